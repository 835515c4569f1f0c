# fovea::files: reading of weight and image files for programs without exceptions; src/files/files.cpp says why it is
# shared. It has the image libraries within, so that the program needs none of them.
add_library(fovea_files SHARED ${CMAKE_CURRENT_SOURCE_DIR}/src/files/files.cpp)
add_library(fovea::files ALIAS fovea_files)
set_target_properties(fovea_files PROPERTIES EXPORT_NAME files CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                                             VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
if(NOT PROJECT_IS_TOP_LEVEL) # in a sub-project it takes time only where something links it
    set_target_properties(fovea_files PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
target_compile_definitions(fovea_files PUBLIC FOVEA_FILES=1)
target_link_libraries(fovea_files PUBLIC fovea PRIVATE $<BUILD_INTERFACE:fovea_image_files>
                                                       $<BUILD_INTERFACE:fovea_warnings>)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux") # what it defines is what it calls, whatever the program defines
    target_link_options(fovea_files PRIVATE -Wl,-Bsymbolic -Wl,--exclude-libs,ALL)
endif()
