// Lesson: an upscaler inside your own program, from the single header, with weights that are already in memory.
//
// Compiles without exceptions and RTTI, as games do:
//   g++ -std=c++20 -O2 -march=native -fno-exceptions -fno-rtti embed.cpp -pthread
// There is no file format for images in it: pixels come from memory and go there.
#include <fovea/fovea.hpp>

namespace {

// A network with 64 channels would have 64 instead of 16; the number of blocks is given at run time.
using network = fovea::zoo::supercool<2, 16, 2, fovea::dynamic>;

// The objects that a program keeps: threads and the network, made once.
class enlarger {
  public:
    enlarger(std::span<const std::byte> weights, int blocks, int threads)
        : threads_({.threads = threads}),
          model_(fovea::read_safetensors(weights, "the embedded network"),
                 {.depth = {{"encoder", blocks}}, .threads = &threads_}) {}

    // rgb: (height, width, 3), 8 bits. Activations take at most 64 MB for each frame.
    fovea::image operator()(const fovea::image& rgb) { return model_(rgb, {.memory_budget = 64 << 20}); }

  private:
    fovea::context threads_;
    fovea::model<network, fovea::cpu> model_;
};

std::vector<std::byte> bytes_of(const char* path) { // stands for an array that your build embeds in the program
    std::vector<std::byte> bytes;
    if (std::FILE* f = std::fopen(path, "rb")) {
        for (int c; (c = std::fgetc(f)) != EOF;) bytes.push_back(std::byte(c));
        std::fclose(f);
    }
    return bytes;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "error: expected: embed WEIGHTS.safetensors BLOCKS\n");
        return 2;
    }
    const auto weights = bytes_of(argv[1]);
    enlarger enlarge(weights, std::atoi(argv[2]), 2);
    fovea::image frame(90, 160, 3);
    for (int y = 0; y < frame.height(); ++y)
        for (int x = 0; x < frame.width(); ++x) frame.row<std::uint8_t>(y)[std::size_t(3 * x)] = std::uint8_t(x + y);
    const fovea::image large = enlarge(frame);
    std::printf("%dx%d -> %dx%d\n", frame.width(), frame.height(), large.width(), large.height());
}
