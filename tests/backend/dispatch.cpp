#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fovea/backend/cpu/kernel_table.hpp"
#include "fovea/backend/cpu/select.hpp"
#include "fovea/core/error.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

TEST_CASE("an unknown instruction set is an error that names the choices") {
    const char* before = std::getenv("FOVEA_ISA");
    const std::string saved = before ? before : "";
    setenv("FOVEA_ISA", "mmx", 1);
    try {
        fovea::dispatched_kernels();
        FAIL("no error");
    } catch (const fovea::error& e) {
        const std::string message = e.what();
        CHECK(message.find("FOVEA_ISA=mmx") != std::string::npos);
        CHECK((message.find("baseline") != std::string::npos || message.find("neon") != std::string::npos));
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
    const auto own = [](auto& entry, auto kernel) {
        CHECK(entry != kernel);
        entry = kernel;
    };
    own(expected.int8_convolution_scratch, vnni->int8_convolution_scratch);
    own(expected.int8_convolution, vnni->int8_convolution);
    own(expected.packed_int8_convolution_bytes, vnni->packed_int8_convolution_bytes);
    own(expected.pack_int8_convolution, vnni->pack_int8_convolution);
    CHECK(std::string_view(vnni->name) == "avx512vnni");
    static_assert(sizeof expected % sizeof(void*) == 0); // pointers alone, without gaps
    CHECK(std::memcmp(&expected, vnni, sizeof expected) == 0);
}
