# fovea::dispatch: the CPU kernels, compiled once per instruction set and chosen at run time.
