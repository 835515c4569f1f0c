#include "fovea/io/atomic_file.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "fovea/io/read_file.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using fovea_test::error_of;
namespace fs = std::filesystem;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

std::string text_at(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("a file written atomically appears whole, alone, and replaces what was there") {
    const fovea_test::scratch_folder folder;
    const fs::path target = folder.path / "weights.bin";
    fovea::write_file_atomically(target, bytes_of("old"));
    CHECK(text_at(target) == "old");
    fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write);
    {
        fovea::atomic_file file(target, {.durable = true});
        file.write(bytes_of("new "));
        file.write(bytes_of(""));
        file.write(bytes_of("bytes"));
        CHECK(text_at(target) == "old");
        file.commit();
    }
    CHECK(text_at(target) == "new bytes");
    CHECK(fs::status(target).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(folder.entries() == 1);
}

TEST_CASE("a file that is not committed leaves nothing and keeps the old one") {
    const fovea_test::scratch_folder folder;
    const fs::path target = folder.path / "weights.bin";
    { fovea::atomic_file(target).write(bytes_of("lost")); }
    CHECK(folder.entries() == 0);
    fovea::write_file_atomically(target, bytes_of("kept"));
    { fovea::atomic_file(target).write(bytes_of("lost")); }
    CHECK(text_at(target) == "kept");
    CHECK(folder.entries() == 1);
}

TEST_CASE("targets that cannot be written are named with the reason") {
    const fovea_test::scratch_folder folder;
    const auto absent = folder.path / "absent" / "a.png";
    const auto reason = error_of([&] { fovea::write_file_atomically(absent, bytes_of("x")); });
    CHECK(reason == absent.string() + ": cannot write: No such file or directory");
    CHECK(error_of([&] { fovea::write_file_atomically(folder.path, bytes_of("x")); }) ==
          folder.path.string() + ": cannot write: is a folder");
    CHECK_FALSE(error_of([&] { fovea::write_file_atomically("", bytes_of("x")); }).empty());
    CHECK(folder.entries() == 0);
}

TEST_CASE("a link stays a link and its file is replaced") {
    const fovea_test::scratch_folder folder;
    fovea::write_file_atomically(folder.path / "file", bytes_of("old"));
    fs::create_symlink("file", folder.path / "link");
    fovea::write_file_atomically(folder.path / "link", bytes_of("new"));
    CHECK(fs::is_symlink(folder.path / "link"));
    CHECK(text_at(folder.path / "file") == "new");
    CHECK(folder.entries() == 2);
}

TEST_CASE("devices are written directly and a full one is reported") {
    if (!fs::exists("/dev/full")) return;
    const auto reason = error_of([] { fovea::write_file_atomically("/dev/full", bytes_of("x")); });
    CHECK(reason == "/dev/full: cannot write: No space left on device");
    CHECK(fs::is_character_file("/dev/full"));
    fovea::write_file_atomically("/dev/null", bytes_of("x"));
    CHECK(fs::is_character_file("/dev/null"));
    const std::string large(1 << 20, 'x');
    CHECK(error_of([&] { fovea::write_file_atomically("/dev/full", bytes_of(large)); }) == reason);
}

TEST_CASE("temporary files that nobody writes any more are removed, and no others") {
    const fovea_test::scratch_folder folder;
    for (const char* name : {".fovea-0123456789abcdef-00000000.part", ".fovea-1.part"})
        std::ofstream(folder.path / name) << "left";
    for (const char* name : {"a.part", ".fovea-notes.txt", "weights.bin"}) std::ofstream(folder.path / name) << "mine";
    fs::create_directory(folder.path / ".fovea-folder.part");
    {
        fovea::atomic_file file(folder.path / "weights.bin");
        file.write(bytes_of("new"));
        CHECK(fovea::remove_stale_parts(folder.path) == 2);
        CHECK(folder.entries() == 5); // one of them is being written
        CHECK(fovea::remove_stale_parts(folder.path) == 0);
        file.commit();
    }
    CHECK(text_at(folder.path / "weights.bin") == "new");
    CHECK(folder.entries() == 4);
    CHECK(fovea::remove_stale_parts(folder.path / "absent") == 0);
}

TEST_CASE("a temporary file of a process that was killed is stale") {
    const fovea_test::scratch_folder folder;
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
        fovea::atomic_file file(folder.path / "weights.bin");
        const char written = 'w';
        if (write(ready[1], &written, 1) != 1) _exit(1);
        for (;;) pause();
    }
    char c = 0;
    REQUIRE(read(ready[0], &c, 1) == 1);
    CHECK(fovea::remove_stale_parts(folder.path) == 0);
    CHECK(folder.entries() == 1);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    CHECK(folder.entries() == 1);
    CHECK(fovea::remove_stale_parts(folder.path) == 1);
    CHECK(folder.entries() == 0);
    close(ready[0]), close(ready[1]);
}

TEST_CASE("read_file returns a file's bytes and names what it cannot read") {
    const fovea_test::scratch_folder folder;
    const fs::path path = folder.path / "bytes";
    std::string content(200000, 'a');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = char(i * 31);
    fovea::write_file_atomically(path, bytes_of(content));
    CHECK(std::ranges::equal(fovea::read_file(path), bytes_of(content)));
    CHECK(fovea::read_file(path, 200000).size() == 200000);
    CHECK(error_of([&] { fovea::read_file(path, 199999); }) ==
          path.string() + ": has 200000 bytes: expected at most 199999");
    fovea::write_file_atomically(path, {});
    CHECK(fovea::read_file(path).empty());
    CHECK(error_of([&] { fovea::read_file(folder.path); }) == folder.path.string() + ": cannot read: is a folder");
    CHECK(error_of([&] { fovea::read_file(folder.path / "absent"); }).find("absent: cannot read: ") !=
          std::string::npos);
    CHECK_FALSE(error_of([] { fovea::read_file("/dev/zero"); }).empty());
}
