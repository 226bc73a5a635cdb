/** The bind group of kernels over the slots of a block. */
export const alsRows = { rows: 'read', row_block: 'uniform' } as const
