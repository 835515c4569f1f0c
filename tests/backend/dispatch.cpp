#include <cstdlib>

#include "fovea/backend/cpu/kernel_table.hpp"
#include "fovea/backend/cpu/select.hpp"
#include "fovea/core/error.hpp"
#include "support/catch.hpp"

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
