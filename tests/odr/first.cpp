// Two translation units that include the whole library link, and share what is inline.
#include "fovea/fovea.hpp"

#include "support/catch.hpp"

namespace fovea_test {

const void* table_in_second();
fovea::tensor_file (*reader_in_second())(const std::filesystem::path&);

} // namespace fovea_test

TEST_CASE("two translation units share one library") {
    CHECK(fovea_test::table_in_second() == &fovea::detail::crc32_tables);
    CHECK(fovea_test::reader_in_second() == &fovea::read_tensor_file);
}
