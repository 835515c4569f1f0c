# Configures, builds and runs the project of folder `way`; before that installs fovea where the way is find_package.
function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "failed: ${ARGN}\n${output}")
    endif()
endfunction()

file(REMOVE_RECURSE ${scratch})
if(way STREQUAL "find_package")
    run(${CMAKE_COMMAND} --install ${built} --prefix ${scratch}/installed)
endif()
run(${CMAKE_COMMAND} -S ${source}/${way} -B ${scratch}/build -G ${generator} -DCMAKE_CXX_COMPILER=${compiler}
    -DCMAKE_PREFIX_PATH=${scratch}/installed -DFETCHCONTENT_SOURCE_DIR_FOVEA=${repository})
run(${CMAKE_COMMAND} --build ${scratch}/build)
run(${scratch}/build/program)
if(EXISTS ${scratch}/build/program_dispatch)
    run(${scratch}/build/program_dispatch)
endif()
