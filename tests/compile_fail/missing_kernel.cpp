// expect: fovea: this backend has no kernel for this operation
#include "fovea/backend/reference/reference.hpp"
#include "fovea/model/model.hpp"
using namespace fovea;
struct invert {}; // an operation that nobody computes
struct inverted : maps<3, 3> {
    template <class T, ratio S> static constexpr value<3, S> trace(T& t, value<3, S> x) {
        return t.template emit<invert, 3, S>({.x = {x.id}});
    }
};
void make(const tensor_file& weights) { model<inverted, reference>{weights}; }
