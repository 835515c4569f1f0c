// The tests that need a GPU, as one translation unit: in each of its own nvcc would make all kernels again.
#include "gpu.cu"
#include "gpu_parallel.cu"
#include "gpu_training.cu"

#include "golden.cu" // last: behind it nvcc 13.0 takes the base class of support/mish.hpp's mish for an error
