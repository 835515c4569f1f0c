#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fovea/backend/cpu/kernel_table.hpp"
#include "fovea/backend/cpu/select.hpp"
#include "fovea/core/error.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/errors.hpp"

namespace {

// Of a table that is another set's but for some entries.
template <class Kernel> void replace_own(Kernel& entry, Kernel own) {
    CHECK(entry != own);
    entry = own;
}
static_assert(sizeof(fovea::kernel_table) % sizeof(void*) == 0); // pointers alone, without gaps

} // namespace

TEST_CASE("an instruction set that is unknown, or that this machine lacks, is an error that names the choices") {
    const char* before = std::getenv("FOVEA_ISA");
    const std::string saved = before ? before : "";
    for (const std::string name : {"mmx", "avx512fp16", "avx512vnni", "avx512", "avx2", "neon"}) {
        if (fovea::kernels_of(name)) continue;
        setenv("FOVEA_ISA", name.c_str(), 1);
        const std::string message = fovea_test::error_of([] { fovea::dispatched_kernels(); });
        CHECK_THAT(message, Catch::StartsWith("FOVEA_ISA=" + name + ": "));
        CHECK_THAT(message, Catch::EndsWith("baseline") || Catch::EndsWith("neon"));
        CHECK_THAT(message, !Catch::Contains("\n"));
    }
    if (before)
        setenv("FOVEA_ISA", saved.c_str(), 1);
    else
        unsetenv("FOVEA_ISA");
    const auto& chosen = fovea::dispatched_kernels();
    CHECK(fovea::kernels_of(chosen.name) == &chosen);
    CHECK(FOVEA_CPU_KERNEL(convolution) == chosen.convolution);
    CHECK(fovea::kernels_of("mmx") == nullptr);
}

TEST_CASE("with AVX512-FP16 what multiplies in half precision has kernels of its own, and nothing else has") {
    for (const char* name : {"avx512vnni", "avx512", "avx2", "neon", "baseline"})
        if (const auto* kernels = fovea::kernels_of(name)) CHECK(!*kernels->half_convolution);
    const auto *fp16 = fovea::kernels_of("avx512fp16"), *vnni = fovea::kernels_of("avx512vnni");
    if (!fp16) {
        fovea_test::skipped = true;
        std::printf("skipped: needs a machine with AVX512-FP16\n");
        return;
    }
    REQUIRE(vnni);
    CHECK(*fp16->half_convolution);
    fovea::kernel_table expected = *vnni;
    expected.name = fp16->name;
    replace_own(expected.half_convolution, fp16->half_convolution);
    replace_own(expected.attention_block_scratch, fp16->attention_block_scratch);
    replace_own(expected.attention_block, fp16->attention_block);
    replace_own(expected.packed_attention_block_bytes, fp16->packed_attention_block_bytes);
    replace_own(expected.pack_attention_block, fp16->pack_attention_block);
    CHECK(std::string_view(fp16->name) == "avx512fp16");
    CHECK(std::memcmp(&expected, fp16, sizeof expected) == 0);
}

TEST_CASE("with VNNI the 8-bit convolution has kernels of its own, and nothing else has") {
    const auto *vnni = fovea::kernels_of("avx512vnni"), *avx512 = fovea::kernels_of("avx512");
    if (!vnni) {
        fovea_test::skipped = true;
        std::printf("skipped: needs a machine with AVX-512 VNNI\n");
        return;
    }
    REQUIRE(avx512);
    fovea::kernel_table expected = *avx512;
    expected.name = vnni->name;
    replace_own(expected.int8_convolution_scratch, vnni->int8_convolution_scratch);
    replace_own(expected.int8_convolution, vnni->int8_convolution);
    replace_own(expected.packed_int8_convolution_bytes, vnni->packed_int8_convolution_bytes);
    replace_own(expected.pack_int8_convolution, vnni->pack_int8_convolution);
    CHECK(std::string_view(vnni->name) == "avx512vnni");
    CHECK(std::memcmp(&expected, vnni, sizeof expected) == 0);
}
