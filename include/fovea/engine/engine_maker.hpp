// The engine that runs a network, by the backend that its graph was traced for.
#pragma once
#include "fovea/engine/host_engine.hpp"

namespace fovea {

// How a backend's engine is made, and which precisions it has.
struct engine_maker {
    // Throws one line where the engine does not have this precision.
    void (*check)(precision_kind);
    // The weights are prepared. An engine that copies them frees the host's.
    std::unique_ptr<engine> (*make)(const std::shared_ptr<const graph>&, const std::shared_ptr<weight_store>&,
                                    const context&);
};

namespace detail {

template <class Backend>
concept has_engine = requires(const graph& g, const weight_store& w) {
    make_engine(Backend{}, g, w);
};

} // namespace detail

// Of backends whose kernels run on the threads of a context.
inline engine_maker host_engine_maker() {
    return {
        [](precision_kind p) {
            if (p == precision_kind::tensor_float32)
                fail("precision tf32: expected a GPU for it, or float32, int8, bf16 or fp16");
        },
        [](const std::shared_ptr<const graph>& g, const std::shared_ptr<weight_store>& w,
           const context& threads) -> std::unique_ptr<engine> { return std::make_unique<host_engine>(g, w, threads); }};
}

// The maker of the engine that runs graphs which were traced for Backend: its own, or the host's.
template <class Backend> engine_maker engine_maker_of() {
    if constexpr (detail::has_engine<Backend>)
        return {[](precision_kind p) {
                    if (p == precision_kind::int8)
                        fail("precision int8: expected float32, tf32, bf16 or fp16 on a GPU");
                },
                [](const std::shared_ptr<const graph>& g, const std::shared_ptr<weight_store>& w, const context&) {
                    auto made = make_engine(Backend{}, *g, *w);
                    w->clear();
                    return made;
                }};
    else
        return host_engine_maker();
}

} // namespace fovea
