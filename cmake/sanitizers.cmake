# FOVEA_SANITIZE=address,undefined or thread: for every target of this project.
set(FOVEA_SANITIZE "" CACHE STRING "Sanitizers to build with, separated by commas")
if(FOVEA_SANITIZE)
    add_compile_options(-fsanitize=${FOVEA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_compile_definitions(FOVEA_SANITIZED=1) # tests then take smaller images
    add_link_options(-fsanitize=${FOVEA_SANITIZE})
endif()
