# Install and find_package(fovea). The image libraries are an export of their own: a program that only runs networks is
# not asked for libpng and the others.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(FOVEA_CMAKE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/fovea)
install(DIRECTORY include/fovea DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cuh")
install(DIRECTORY single_include/fovea DESTINATION ${CMAKE_INSTALL_DATADIR}/fovea/single_include
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cuh")
install(TARGETS fovea EXPORT foveaTargets)
install(TARGETS fovea_image_files EXPORT foveaImageFilesTargets)
install(TARGETS fovea_dispatch EXPORT foveaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET fovea_files)
    install(TARGETS fovea_files EXPORT foveaTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(EXPORT foveaTargets NAMESPACE fovea:: DESTINATION ${FOVEA_CMAKE_FOLDER})
install(EXPORT foveaImageFilesTargets NAMESPACE fovea:: DESTINATION ${FOVEA_CMAKE_FOLDER})

set(FOVEA_IMAGE_PACKAGES)
foreach(package PNG JPEG TIFF ZLIB)
    if(${package}_FOUND)
        list(APPEND FOVEA_IMAGE_PACKAGES ${package})
    endif()
endforeach()
set(FOVEA_IMAGE_NEEDS_STB FALSE)
if(FOVEA_STB_INCLUDE_DIR)
    set(FOVEA_IMAGE_NEEDS_STB TRUE)
endif()
set(FOVEA_IMAGE_PLAIN)
foreach(library ${FOVEA_PLAIN_LIBRARIES})
    if(FOVEA_${library}_FOUND)
        list(APPEND FOVEA_IMAGE_PLAIN ${library})
    endif()
endforeach()
configure_package_config_file(cmake/foveaConfig.cmake.in ${PROJECT_BINARY_DIR}/foveaConfig.cmake
                              INSTALL_DESTINATION ${FOVEA_CMAKE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/foveaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/foveaConfig.cmake ${PROJECT_BINARY_DIR}/foveaConfigVersion.cmake cmake/foveaCuda.cmake
              cmake/imageLibraries.cmake cmake/FindcuDNN.cmake cmake/FindNCCL.cmake
        DESTINATION ${FOVEA_CMAKE_FOLDER})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
