// For metadata_files.py: what the library makes of files, to be looked at by other programs.
//
//   picture_tool enlarge IN OUT   twice as large, in the format of OUT's name
//   picture_tool strip IN OUT     the same without metadata
//   picture_tool copy IN OUT      as large as it is
//   picture_tool stored IN OUT    the samples of IN as they are stored, bytes of this machine
//
// Notices go to standard output, one line each; errors to standard error with exit status 1.
#include <cstdio>
#include <fstream>
#include <string>

#include "fovea/image/resize_pillow.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"

using namespace fovea;

namespace {

void run(const std::string& what, const std::filesystem::path& from, const std::filesystem::path& to) {
    const auto say = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
    const image in = read_image(from, {.apply_orientation = what != "stored", .notice = say});
    if (what == "stored") {
        std::ofstream out(to, std::ios::binary);
        out.write(reinterpret_cast<const char*>(in.data()), std::streamsize(in.row_bytes() * std::size_t(in.height())));
        return;
    }
    write_image(to, what == "copy" ? in : resize_pillow(in, 2 * in.height(), 2 * in.width()),
                {.lossless = true, .strip_metadata = what == "strip", .notice = say});
}

} // namespace

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const std::string failed = reason_of_failure([&] { run(arguments[1], arguments[2], arguments[3]); });
    if (!failed.empty()) std::fprintf(stderr, "error: %s\n", failed.c_str());
    return failed.empty() ? 0 : 1;
}
