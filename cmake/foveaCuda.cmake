# What fovea::cuda is, in a build and in an install: for .cu files that include fovea/fovea_cuda.cuh. Needs the language
# CUDA to be enabled. Convolutions in 16 bits and TF32 are cuDNN's where it was found, and several GPUs train together
# where NCCL was.
function(fovea_set_up_cuda target)
    if(cuda_std_20 IN_LIST CMAKE_CUDA_COMPILE_FEATURES)
        target_compile_features(${target} INTERFACE cuda_std_20)
    else() # a CMake that does not know that nvcc has it
        target_compile_options(${target} INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
    endif()
    target_link_libraries(${target} INTERFACE CUDA::cudart_static)
    if(TARGET cuDNN::cudnn)
        target_link_libraries(${target} INTERFACE cuDNN::cudnn)
        target_compile_definitions(${target} INTERFACE FOVEA_WITH_CUDNN=1)
    endif()
    if(TARGET NCCL::nccl)
        target_link_libraries(${target} INTERFACE NCCL::nccl)
        target_compile_definitions(${target} INTERFACE FOVEA_WITH_NCCL=1)
    endif()
    # A user's activation without FOVEA_HOST_DEVICE would only warn, and then compute nonsense.
    target_compile_options(${target} INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-Werror=cross-execution-space-call>)
endfunction()
