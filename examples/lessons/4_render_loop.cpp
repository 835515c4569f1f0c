// Lesson 4: an upscaler in a render loop: frames of one size, in memory of your own, and no allocation per frame.
//
// A game renders at half its resolution and enlarges every frame. The program prints the time of a frame and how often
// operator new was called in the loop, and fails if that is not zero.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <fovea/fovea.hpp>
#include <fovea/zoo/pretrained.hpp>

using namespace fovea;

// The program's own operator new counts its calls, so that the claim is checked; threads may call it, too.
static std::atomic<long> allocations = 0;
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    ++allocations;
    const auto to = std::size_t(alignment);
    if (void* memory = std::aligned_alloc(to, (bytes + to - 1) / to * to)) return memory;
    std::abort();
}
void* operator new(std::size_t bytes) { return operator new (bytes, std::align_val_t{alignof(std::max_align_t)}); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

// Stands for a renderer: writes RGBA rows to memory that the caller owns.
void render(int frame, tensor_view<std::uint8_t> to) {
    for (int y = 0; y < to.height(); ++y)
        for (int x = 0; x < to.width(); ++x) {
            const bool inside = (x + frame) / 16 % 2 == y / 16 % 2;
            std::uint8_t* pixel = to.at(0, y, x);
            pixel[0] = inside ? 230 : std::uint8_t(2 * x), pixel[1] = inside ? 200 : std::uint8_t(3 * y);
            pixel[2] = std::uint8_t(90 + frame), pixel[3] = 255;
        }
}

int main() {
    constexpr int height = 90, width = 160, frames = 30;

    // Once, before the loop: threads, weights and plans allocate all their memory here.
    context threads({.threads = 2});
    const upscaler net = zoo::pretrained<2, cpu>({.threads = &threads});
    frame_upscaler enlarge = net.frames({height, width}, 16 << 20); // activations take at most 16 MiB

    // The arena is plain memory. Between two frames it may hold other data, such as a frame's temporaries.
    std::vector<std::byte> arena(enlarge.arena_bytes());
    const auto [large_height, large_width] = enlarge.output();
    std::vector<std::uint8_t> small_pixels(std::size_t(height) * width * 4);
    std::vector<std::uint8_t> large_pixels(std::size_t(large_height) * std::size_t(large_width) * 4, 255); // opaque
    const tensor_view small(small_pixels.data(), 1, height, width, 4);
    const tensor_view large(large_pixels.data(), 1, large_height, large_width, 4);

    const long before = allocations;
    const auto begin = std::chrono::steady_clock::now();
    for (int frame = 0; frame < frames; ++frame) {
        render(frame, small);
        enlarge.run(small, large, arena); // alpha is not changed
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    const long during = allocations - before;
    std::printf("%dx%d -> %dx%d in %zu bytes: %.2f ms a frame, %ld allocations\n", width, height, large_width,
                large_height, arena.size(), took.count() / frames, during);
    return during == 0 ? 0 : 1;
}
