/** One parameter before an optimizer's step, a factor or a bias. */
export interface Parameter {
  theta: number
  /** Gradient of what is minimised, the penalty's share included. */
  gradient: number
  rate: number
}

/**
 * The gradient that a step takes, from that of the data and the penalty lambda * theta^2 / 2 that goes with this step:
 *
 *   g = scale * data + lambda * share * theta
 *
 * A row of `count` entries has the penalty lambda count^nu theta^2 in all. Each of its entries pays an equal share,
 * lambda count^(nu - 1) theta^2, so that a pass over all entries has paid the whole; a batch with c of them pays
 * c count^(nu - 1), whose half has this derivative. Plain weight decay is share = 1.
 */
export function penalizedGradient(
  data: number,
  { scale, lambda, share }: { scale: number; lambda: number; share: number },
  theta: number,
): number {
  return scale * data + lambda * share * theta
}
