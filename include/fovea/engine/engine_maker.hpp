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

inline void check_host_precision(precision_kind p) {
    if (p == precision_kind::tensor_float32)
        fail("precision tf32: expected a GPU for it, or float32, int8, bf16 or fp16");
}
inline std::unique_ptr<engine> make_host_engine(const std::shared_ptr<const graph>& g,
                                                const std::shared_ptr<weight_store>& w, const context& threads) {
    return std::make_unique<host_engine>(g, w, threads);
}

inline void check_device_precision(precision_kind p) {
    if (p == precision_kind::int8) fail("precision int8: expected float32, tf32, bf16 or fp16 on a GPU");
}
template <class Backend>
std::unique_ptr<engine> make_engine_of(const std::shared_ptr<const graph>& g, const std::shared_ptr<weight_store>& w,
                                       const context&) {
    std::unique_ptr<engine> made = make_engine(Backend{}, *g, *w);
    w->clear();
    return made;
}

} // namespace detail

// The maker of engines for backends whose kernels run on the threads of a context.
inline engine_maker host_engine_maker() { return {detail::check_host_precision, detail::make_host_engine}; }

// The maker of the engine that runs graphs which were traced for Backend: its own, or the host's.
template <class Backend> engine_maker engine_maker_of() {
    if constexpr (detail::has_engine<Backend>)
        return {detail::check_device_precision, detail::make_engine_of<Backend>};
    else
        return host_engine_maker();
}

} // namespace fovea
