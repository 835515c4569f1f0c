// Prints a number made of every bit that two small networks compute from fixed weights: the same on every system whose
// processor has the same kernels. portability.sh compares it.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

namespace {

std::uint64_t hash_of(const void* data, std::size_t bytes, std::uint64_t hash) { // FNV-1a
    for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 1099511628211u;
    return hash;
}

template <class Network> tensor_file uniform_weights(const depths& d) {
    tensor_file file;
    file.source = "fixed weights";
    random_stream random(7);
    const graph g = shapes_of<Network>(d);
    for (auto& w : g.weights) {
        if (w.kind == weight_kind::derived) continue;
        std::vector<float> values(count(w.dims));
        const float size = 1 / std::sqrt(float(values.size() / std::size_t(w.dims[0])));
        for (float& v : values) v = (2 * random.uniform() - 1) * size;
        file.add(tensor_of(g.name(w), {w.dims.begin(), w.dims.end()}, values));
    }
    return file;
}

template <class Network> std::uint64_t bits_of(std::uint64_t hash) {
    context threads({.threads = 2});
    model<Network, cpu> net(uniform_weights<Network>({}), {.threads = &threads});
    random_stream random(3);
    for (extent size : {extent{1, 1}, extent{13, 37}, extent{64, 50}}) {
        tensor<float> x(1, size.height, size.width, 3);
        for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = random.uniform();
        const auto y = net(x.view()), tiled = net(x.view(), {.how = schedule{16, 16, 0}});
        if (hash_of(y.data(), y.size() * 4, 1) != hash_of(tiled.data(), tiled.size() * 4, 1))
            std::printf("tiles differ\n");
        hash = hash_of(y.data(), y.size() * sizeof(float), hash);
        image small(size.height, size.width, 3);
        for (int row = 0; row < small.height(); ++row)
            for (auto& v : small.row<std::uint8_t>(row)) v = std::uint8_t(random());
        const image large = net(small);
        hash = hash_of(large.data(), large.row_bytes() * std::size_t(large.height()), hash);
    }
    return hash;
}

} // namespace

int main() {
    std::uint64_t hash = 14695981039346656037u;
    hash = bits_of<zoo::supercool<2, 16, 2, 2>>(hash);
    hash = bits_of<zoo::vapsr_network<2, 32, 64, 1>>(hash);
    std::printf("%016llx\n", static_cast<unsigned long long>(hash));
}
