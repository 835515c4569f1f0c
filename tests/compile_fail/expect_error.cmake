# cmake -Dcompiler=... -Doptions=... -Dsource=FILE -P expect_error.cmake: fails unless FILE does not compile, the compiler's
# output has the sentence of FILE's first line, and it reports at most 3 errors.
set(most_errors 3)

file(READ ${source} text)
if(NOT text MATCHES "^// expect: ([^\n]+)\n")
    message(FATAL_ERROR "${source}: its first line must be: // expect: SENTENCE")
endif()
set(expected "${CMAKE_MATCH_1}")

execute_process(COMMAND ${compiler} ${options} -fsyntax-only ${source}
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
    message(FATAL_ERROR "${source} compiles, and should not")
endif()
string(FIND "${output}" "${expected}" place)
if(place EQUAL -1)
    message(FATAL_ERROR "expected: ${expected}\nbut the compiler says:\n${output}")
endif()
string(REGEX MATCHALL "error: " errors "${output}")
list(LENGTH errors count)
if(count GREATER most_errors)
    message(FATAL_ERROR "${count} errors, expected at most ${most_errors}:\n${output}")
endif()
