/** The bind group of kernels over the slots of a block. */
export const alsRows = { rows: 'read', block: 'uniform' } as const
