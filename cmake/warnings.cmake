# The warnings that our own targets are built with; users' targets are left alone.
add_library(fovea_warnings INTERFACE)
target_compile_options(fovea_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wpedantic)
if(FOVEA_WERROR)
    target_compile_options(fovea_warnings INTERFACE -Werror)
endif()
