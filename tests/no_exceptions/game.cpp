// game VECTORS PNG SCRATCH: compiled with -fno-exceptions -fno-rtti. Prints the line of each error, goes on to the end,
// and returns how many of the answers were not those expected.
#include <fovea/fovea.hpp>

#if FOVEA_EXCEPTIONS || defined(__cpp_rtti)
#error "this test is of a program without exceptions and RTTI"
#endif

namespace {

namespace fs = std::filesystem;
using network = fovea::zoo::supercool<2, 8, 1, 1>;

int failures = 0;

void check(bool good, const char* what) {
    if (good) return;
    ++failures;
    std::printf("FAILED: %s\n", what);
}

void check_error(const std::string& error, std::string_view part) {
    std::printf("refused: %s\n", error.c_str());
    check(error.find(part) != error.npos && error.find('\n') == error.npos, part.data());
}

void write(const fs::path& path, std::span<const std::byte> bytes) {
    if (std::FILE* f = std::fopen(path.c_str(), "wb")) {
        std::fwrite(bytes.data(), 1, bytes.size(), f);
        std::fclose(f);
    }
}

// Every length to which a file may be cut: none may end the program.
void cut(const fs::path& whole, const fs::path& part) {
    const auto bytes = fovea::read_file(whole);
    for (std::size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 40) {
        write(part, std::span(bytes).first(length));
        check(!fovea::try_read_weights(part), "a part of a weight file was read");
        check(!fovea::try_read_image(part), "a part of a weight file was an image");
    }
}

// Random weights by the names that the network has.
fovea::tensor_file weights() {
    fovea::trainable<network, fovea::cpu> fresh;
    fovea::tensor_file file;
    file.source = "made here";
    for (auto& p : fresh.parameters()) {
        const std::span<const int> dims(p.dims.data(), std::size_t(p.rank));
        file.add(fovea::tensor_of("model.net." + p.name, {dims.begin(), dims.end()}, p.values()));
    }
    return file;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const fs::path vectors = argv[1], png = argv[2], scratch = argv[3], bad = scratch / "bad";

    check_error(fovea::try_read_weights(scratch / "absent.pth").error(), "absent.pth: cannot read: ");
    check_error(fovea::try_read_weights(png).error(), "is not a weight file");
    check_error(fovea::try_read_weights(vectors / "cycle.pt").error(), "nests deeper than");
    check_error(fovea::try_read_weights(vectors / "module.pt").error(), "holds a whole module");
    check_error(fovea::try_read_tensor_file(vectors / "beyond_end.pt").error(), "reaches beyond the 16 elements");
    check_error(fovea::try_read_tensor_bytes({}, "empty").error(), "empty: is not a weight file");
    cut(vectors / "foreign.pt", bad);

    const auto picture = fovea::read_file(png);
    write(bad, std::span(picture).first(picture.size() / 2));
    check_error(fovea::try_read_image(bad).error(), "bad");
    check_error(fovea::try_read_image(std::span(picture).first(20), "short").error(), "short");

    const auto foreign = fovea::try_read_weights(vectors / "foreign.pt");
    check(foreign && foreign->find("a.weight"), "weights beside foreign values were not read");
    check_error(fovea::try_model<network, fovea::cpu>(*foreign).error(), "its tensors do not fit the network");
    check_error(fovea::zoo::try_load<fovea::cpu>(*foreign).error(), "are of no known network");

    auto enlarge = fovea::try_model<network, fovea::cpu>(weights());
    const auto small = fovea::try_read_image(png);
    check(enlarge && small, "a good network or a good image was refused");
    if (!enlarge || !small) return 1;
    const fovea::image large = (*enlarge)(*small);
    check(large.width() == 2 * small->width(), "the picture is not twice as large");
    check(fovea::try_write_image(scratch / "large.png", large).empty(), "the picture was not written");
    check_error(fovea::try_write_image(scratch / "absent" / "large.png", large), "large.png");
    std::printf("%dx%d -> %dx%d\n", small->width(), small->height(), large.width(), large.height());
    return failures;
}
