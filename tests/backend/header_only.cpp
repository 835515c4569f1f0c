// The kernels without the dispatch library, compiled for this translation unit's instruction set.
#include "fovea/backend/cpu/select.hpp"
#include "support/operation.hpp"
#include "support/reference_loops.hpp"

using namespace fovea_test;

TEST_CASE("kernels compiled into the program") {
    REQUIRE(FOVEA_DISPATCH == 0);
    const tensor x = random_tensor(1, 5, 23, 3, 1);
    const auto w = random_floats(17 * 3 * 9, 2);
    fovea::preparation_call p;
    p.a.kernel = 3;
    p.w[0] = w.data();
    p.dims[0] = {17, 3, 3, 3};
    aligned_bytes packed(FOVEA_CPU_KERNEL(packed_convolution_bytes)(p));
    p.out = packed.get();
    FOVEA_CPU_KERNEL(pack_convolution)(p);
    operation op;
    op.run = FOVEA_CPU_KERNEL(convolution);
    op.a = p.a;
    op.dims = p.dims[0];
    op.w = {packed.get(), nullptr};
    op.footprint = [](range r, int) { return range{r.begin - 1, r.end + 1}; };
    // 27 products of values below 1: 27 roundings of at most 27 2^-24.
    CHECK(difference(result(op, {&x}, 5, 23, 17).data, reference_convolution(x, w, nullptr, nullptr, p.a, 17, 5, 23)) <
          1e-5);
}
