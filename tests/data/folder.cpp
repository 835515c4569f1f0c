#include "fovea/data/folder.hpp"

#if __has_include(<sys/stat.h>)
#include <sys/stat.h>
#endif

#include "support.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

namespace {

std::vector<std::string> relative(const folder_listing& found, const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& path : found.files) names.push_back(path.lexically_relative(folder).generic_string());
    return names;
}

} // namespace

TEST_CASE("files of folders of folders, sorted") {
    scratch_folder scratch;
    for (const std::string name : {"b.png", "a/z.jpg", "a/deep/er/x", "A.png", "a/.hidden"})
        write_text(scratch.path / name, "x");
    fs::create_directory(scratch.path / "empty");
    const auto found = files_below(scratch.path);
    CHECK(relative(found, scratch.path) ==
          std::vector<std::string>{"A.png", "a/.hidden", "a/deep/er/x", "a/z.jpg", "b.png"});
    CHECK(found.skipped.empty());
}

TEST_CASE("links are followed, nothing twice, loops end") {
    scratch_folder scratch, elsewhere;
    write_text(scratch.path / "real/one", "1");
    write_text(elsewhere.path / "two", "2");
    fs::create_directory_symlink(scratch.path, scratch.path / "real/loop");
    fs::create_directory_symlink(scratch.path / "real", scratch.path / "again");
    fs::create_symlink(scratch.path / "real/one", scratch.path / "a");
    fs::create_directory_symlink(elsewhere.path, scratch.path / "outside");
    fs::create_directory_symlink(scratch.path, elsewhere.path / "back");
    fs::create_symlink("nowhere", scratch.path / "dangling");
    const auto found = files_below(scratch.path);
    CHECK(relative(found, scratch.path) == std::vector<std::string>{"outside/two", "real/one"});
    REQUIRE(found.skipped.size() == 1);
    CHECK(found.skipped[0].path == scratch.path / "dangling");
    CHECK(found.skipped[0].reason.find((scratch.path / "dangling").string() + ": cannot read: ") == 0);
}

#if __has_include(<sys/stat.h>)
TEST_CASE("pipes are not opened") {
    scratch_folder scratch;
    write_text(scratch.path / "file", "x");
    REQUIRE(mkfifo((scratch.path / "pipe").c_str(), 0600) == 0);
    const auto found = files_below(scratch.path);
    CHECK(found.files.size() == 1);
    REQUIRE(found.skipped.size() == 1);
    CHECK(contains(found.skipped[0].reason, "pipe: neither a file nor a folder"));
}
#endif

TEST_CASE("folders that are not there, are files, or hold nothing are errors of one line") {
    scratch_folder scratch;
    fs::create_directories(scratch.path / "empty/in/side");
    write_text(scratch.path / "file", "x");
    const auto reason = [&](const char* name) { return error_of([&] { files_below(scratch.path / name); }); };
    CHECK(reason("absent") ==
          (scratch.path / "absent").string() + ": No such file or directory: expected a folder of images");
    CHECK(reason("file") == (scratch.path / "file").string() + ": not a folder: expected a folder of images");
    CHECK(reason("empty") == (scratch.path / "empty").string() + ": holds no files: expected images");
}
