#include "fovea/fovea.hpp"

namespace fovea_test {

const void* table_in_second() { return &fovea::detail::crc32_tables; }
fovea::tensor_file (*reader_in_second())(const std::filesystem::path&) { return &fovea::read_tensor_file; }

} // namespace fovea_test
