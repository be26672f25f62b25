// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From targets to files: what is found, what is not, and that nothing outside the root ever is.
#include "static_files.hpp"

#include "temporary_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <system_error>

#include <sys/inotify.h>
#include <sys/stat.h>

#include <unistd.h>

namespace https_server {
namespace {

namespace fs = std::filesystem;

struct site {
  site() {
    directory.write("secret.txt", "secret");
    directory.write("root/index.html", "index");
    directory.write("root/a b.txt", "0123456789");
    directory.write("root/dir/index.html", "inner index");
    directory.write("root/dir/\xc3\xa4.txt", "umlaut");
    fs::create_directory(root() / "bare");
  }

  fs::path root() const { return directory.path() / "root"; }
  found_file find(std::string_view target) const { return static_files{root()}.find(target); }
  http::status status(std::string_view target) const { return find(target).status; }

  temporary_directory directory;
};

std::string content(std::shared_ptr<served_file const> const& file) {
  BOOST_TEST_REQUIRE(file != nullptr);
  if (file->content()) return *file->content();
  std::string text(file->size(), '\0');
  BOOST_TEST(::pread(file->descriptor(), text.data(), text.size(), 0) ==
             static_cast<::ssize_t>(text.size()));
  return text;
}

BOOST_AUTO_TEST_SUITE(target)

BOOST_AUTO_TEST_CASE(is_split_and_decoded) {
  BOOST_TEST((parse_target("/") == target_path{"", true}));
  BOOST_TEST((parse_target("/a") == target_path{"a", false}));
  BOOST_TEST((parse_target("/a/b/") == target_path{"a/b", true}));
  BOOST_TEST((parse_target("/a%20b/%C3%A4") == target_path{"a b/\xc3\xa4", false}));
  BOOST_TEST((parse_target("/a+b") == target_path{"a+b", false}));
  BOOST_TEST((parse_target("/%252e%252e") == target_path{"%2e%2e", false}));
}

BOOST_AUTO_TEST_CASE(loses_its_query) {
  BOOST_TEST((parse_target("/a?b=/../%00") == target_path{"a", false}));
  BOOST_TEST((parse_target("/?a") == target_path{"", true}));
}

BOOST_AUTO_TEST_CASE(may_be_an_absolute_url) {
  BOOST_TEST((parse_target("https://localhost:8443/a") == target_path{"a", false}));
  BOOST_TEST((parse_target("https://localhost") == target_path{"", true}));
  BOOST_TEST(!parse_target("https://localhost?a"));
  BOOST_TEST(!parse_target("https://localhost/../a"));
}

BOOST_AUTO_TEST_CASE(keeps_no_empty_segments) {
  BOOST_TEST((parse_target("//a///b//") == target_path{"a/b", true}));
}

BOOST_AUTO_TEST_CASE(is_refused_when_malformed_or_dangerous) {
  using namespace std::string_literals;
  for (auto const& target :
       {""s,       "a"s,       "*"s,         "/.."s,     "/../a"s,     "/a/.."s,  "/a/../b"s,
        "/."s,     "/./a"s,    "/%2e%2e/a"s, "/.%2E/a"s, "/a%2fb"s,    "/a%2Fb"s, "/..%2fa"s,
        "/a%5cb"s, "/..%5ca"s, "/..\\a"s,    "/a%00"s,   "/a%00.txt"s, "/a%0ab"s, "/a%7f"s,
        "/a\nb"s,  "/a\0b"s,   "/%"s,        "/%2"s,     "/%zz"s,      "/%-1"s})
    BOOST_TEST(!parse_target(target), "accepted: " << target);
}

BOOST_AUTO_TEST_CASE(of_a_directory_begins_with_exactly_one_slash) {
  BOOST_TEST(directory_location(parse_target("/a b").value()) == "/a%20b/");
  BOOST_TEST(directory_location(parse_target("//evil.example").value()) == "/evil.example/");
  BOOST_TEST(directory_location(parse_target("/%3fa%23%25").value()) == "/%3Fa%23%25/");
  BOOST_TEST(directory_location(parse_target("/").value()) == "/");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(file, site)

BOOST_AUTO_TEST_CASE(is_found_with_its_size_name_and_content) {
  auto const found = find("/a%20b.txt");
  BOOST_TEST(found.status == http::status::ok);
  BOOST_TEST(found.name == "a b.txt");
  BOOST_TEST(found.file->size() == 10u);
  BOOST_TEST(content(found.file) == "0123456789");
  BOOST_TEST(content(find("/dir/%c3%a4.txt").file) == "umlaut");
}

BOOST_AUTO_TEST_CASE(has_a_tag_that_changes_with_it) {
  auto const before = find("/a%20b.txt").file->tag();
  BOOST_TEST(before == find("/a%20b.txt").file->tag());
  directory.write("root/a b.txt", "01234567890");
  BOOST_TEST(before != find("/a%20b.txt").file->tag());
}

// As cp -p, tar and rsync leave it. The file system's clock goes in steps, so the new version is
// written until it is one of another step.
BOOST_AUTO_TEST_CASE(has_another_tag_for_as_many_bytes_with_the_old_time) {
  auto const file = root() / "a b.txt";
  auto const time = fs::last_write_time(file);
  auto const before = find("/a%20b.txt").file;
  auto const changed = [&] {
    struct stat status {};
    ::stat(file.c_str(), &status);
    return !before->is_of(status);
  };
  while (!changed()) {
    directory.write("root/a b.txt", "abcdefghij");
    fs::last_write_time(file, time);
  }
  auto const now = find("/a%20b.txt").file;
  BOOST_TEST(now->modified() == before->modified());
  BOOST_TEST(now->size() == before->size());
  BOOST_TEST(now->tag() != before->tag());
}

BOOST_AUTO_TEST_CASE(is_not_found_where_there_is_none) {
  for (auto const* target : {"/none", "/dir/none", "/none/none", "/a%20b.txt/", "/a%20b.txt/x"})
    BOOST_TEST(status(target) == http::status::not_found, target);
  BOOST_TEST(status('/' + std::string(5000, 'a')) == http::status::not_found);
}

BOOST_AUTO_TEST_CASE(is_the_index_page_for_a_directory) {
  auto const found = find("/");
  BOOST_TEST(content(found.file) == "index");
  BOOST_TEST(found.name == "index.html");
  BOOST_TEST(content(find("/dir/").file) == "inner index");
  BOOST_TEST(status("/bare/") == http::status::not_found);
}

BOOST_AUTO_TEST_CASE(is_elsewhere_for_a_directory_without_its_slash) {
  auto const found = find("//dir?q");
  BOOST_TEST(found.status == http::status::moved_permanently);
  BOOST_TEST(found.location == "/dir/");
}

BOOST_AUTO_TEST_CASE(is_found_through_a_link_that_stays_inside) {
  fs::create_symlink("a b.txt", root() / "link.html");
  fs::create_directory_symlink("dir", root() / "linked");
  BOOST_TEST(content(find("/link.html").file) == "0123456789");
  BOOST_TEST(find("/link.html").name == "link.html");
  BOOST_TEST(content(find("/linked/").file) == "inner index");
}

BOOST_AUTO_TEST_CASE(is_not_found_through_a_link_that_leaves_the_root) {
  fs::create_symlink("../secret.txt", root() / "relative");
  fs::create_symlink(directory.path() / "secret.txt", root() / "absolute");
  fs::create_directory_symlink("..", root() / "up");
  fs::create_symlink("relative", root() / "chained");
  // Its name begins with that of the root.
  directory.write("root_of_another/secret.txt", "secret");
  fs::create_directory_symlink("../root_of_another", root() / "sibling");
  for (auto const* target :
       {"/relative", "/absolute", "/up/secret.txt", "/up/", "/chained", "/sibling/secret.txt"}) {
    auto const found = find(target);
    BOOST_TEST(found.status == http::status::not_found, target);
    BOOST_TEST(!found.file);
  }
}

BOOST_AUTO_TEST_CASE(is_not_found_through_broken_and_circular_links) {
  fs::create_symlink("none", root() / "broken");
  fs::create_symlink("circle", root() / "circle");
  BOOST_TEST(status("/broken") == http::status::not_found);
  BOOST_TEST(status("/circle") == http::status::not_found);
}

BOOST_AUTO_TEST_CASE(is_forbidden_when_it_is_not_regular) {
  BOOST_TEST_REQUIRE(::mkfifo((root() / "pipe").c_str(), 0600) == 0);
  BOOST_TEST(status("/pipe") == http::status::forbidden);
  static_files const devices{"/dev"};
  BOOST_TEST(devices.find("/null").status == http::status::forbidden);
  BOOST_TEST(devices.find("/zero").status == http::status::forbidden);
}

// Who waits to write into a pipe would be let in, and then told that nobody reads.
BOOST_AUTO_TEST_CASE(is_not_even_opened_when_it_is_a_pipe) {
  auto const pipe = root() / "pipe";
  BOOST_TEST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  file_descriptor const watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  BOOST_TEST_REQUIRE(::inotify_add_watch(watch.number(), pipe.c_str(), IN_OPEN) >= 0);
  BOOST_TEST(status("/pipe") == http::status::forbidden);
  BOOST_TEST_REQUIRE(::link(pipe.c_str(), (root() / "index.html.new").c_str()) == 0);
  fs::rename(root() / "index.html.new", root() / "index.html");
  static_files const browsed{root(), {.browse = true}};
  BOOST_TEST(browsed.is_listing("/"));
  BOOST_TEST(browsed.find("/").status != http::status::service_unavailable);
  char events[256];
  BOOST_TEST(::read(watch.number(), events, sizeof events) == -1);
}

BOOST_AUTO_TEST_CASE(is_found_below_the_root_of_the_file_system) {
  static_files const everything{"/"};
  BOOST_TEST(content(everything.find((root() / "index.html").string()).file) == "index");
}

BOOST_AUTO_TEST_CASE(is_found_through_an_absolute_link_that_stays_inside) {
  fs::create_symlink(root() / "dir" / "index.html", root() / "absolute");
  BOOST_TEST(content(find("/absolute").file) == "inner index");
}

BOOST_AUTO_TEST_CASE(is_a_bad_request_when_the_target_is_malformed) {
  BOOST_TEST(status("/../secret.txt") == http::status::bad_request);
  BOOST_TEST(status("/dir/%2e%2e/%2e%2e/secret.txt") == http::status::bad_request);
}

BOOST_AUTO_TEST_SUITE_END()

// What changes here has changed just now, but counts as settled.
struct site_in_memory : site {
  static_files const files{root(), {}, std::chrono::seconds(-1)};
};

BOOST_FIXTURE_TEST_SUITE(small_file, site_in_memory)

BOOST_AUTO_TEST_CASE(stays_in_memory_by_whatever_spelling) {
  auto const first = files.find("/dir/").file;
  BOOST_TEST(content(first) == "inner index");
  BOOST_TEST(first->content().has_value());
  BOOST_TEST(files.find("//dir/%69ndex.html?q").file == first);
  BOOST_TEST(files.find("/").file != first);
}

BOOST_AUTO_TEST_CASE(is_left_on_disk_when_it_is_large_or_has_just_changed) {
  directory.write("root/large", std::string(16385, 'x'));
  BOOST_TEST(!files.find("/large").file->content());
  BOOST_TEST(!find("/").file->content());
}

BOOST_AUTO_TEST_CASE(is_read_again_once_another_one_has_its_name) {
  auto const old_one = files.find("/a%20b.txt").file;
  directory.write("root/new", "abcdefghij");
  fs::last_write_time(root() / "new", fs::last_write_time(root() / "a b.txt"));
  fs::rename(root() / "new", root() / "a b.txt");
  BOOST_TEST(content(files.find("/a%20b.txt").file) == "abcdefghij");
  BOOST_TEST(content(old_one) == "0123456789");
}

BOOST_AUTO_TEST_CASE(is_read_again_once_it_has_changed) {
  BOOST_TEST(content(files.find("/a%20b.txt").file) == "0123456789");
  directory.write("root/a b.txt", "012");
  BOOST_TEST(content(files.find("/a%20b.txt").file) == "012");
  // As many bytes, at another time.
  auto const time = fs::last_write_time(root() / "a b.txt");
  directory.write("root/a b.txt", "abc");
  fs::last_write_time(root() / "a b.txt", time + std::chrono::seconds(1));
  BOOST_TEST(content(files.find("/a%20b.txt").file) == "abc");
}

BOOST_AUTO_TEST_CASE(is_not_found_once_it_has_gone_or_its_name_leads_out) {
  BOOST_TEST(files.find("/a%20b.txt").status == http::status::ok);
  fs::remove(root() / "a b.txt");
  BOOST_TEST(files.find("/a%20b.txt").status == http::status::not_found);
  fs::create_symlink("../secret.txt", root() / "a b.txt");
  BOOST_TEST(files.find("/a%20b.txt").status == http::status::not_found);
}

BOOST_AUTO_TEST_CASE(gives_way_when_there_are_many) {
  for (int i = 0; i < 300; ++i) {
    directory.write("root/" + std::to_string(i), std::to_string(i));
    BOOST_TEST(content(files.find('/' + std::to_string(i)).file) == std::to_string(i));
  }
  BOOST_TEST(content(files.find("/0").file) == "0");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(root_directory, site)

BOOST_AUTO_TEST_CASE(may_be_reached_through_a_link) {
  fs::create_directory_symlink("root", directory.path() / "alias");
  BOOST_TEST(content(static_files{directory.path() / "alias"}.find("/").file) == "index");
}

BOOST_AUTO_TEST_CASE(is_refused_with_words_when_it_cannot_be_served) {
  auto const refuses = [](fs::path const& root, std::string const& reason) {
    BOOST_CHECK_EXCEPTION(static_files{root}, std::runtime_error, [&](auto const& error) {
      std::string const text = error.what();
      return text.find(root.string()) != text.npos && text.find(reason) != text.npos &&
             text.find("--root") != text.npos;
    });
  };
  refuses(root() / "none", "No such file or directory");
  refuses(root() / "index.html", "Not a directory");
}

BOOST_FIXTURE_TEST_CASE(whose_name_begins_with_a_dot_is_served_only_if_told, site) {
  directory.write("root/.env", "secret");
  directory.write("root/.git/config", "secret");
  directory.write("root/dir/.hidden/a", "secret");
  directory.write("root/.well-known/acme-challenge/token", "token");
  directory.write("root/.well-known/.env", "secret");
  directory.write("root/.well-known.env", "secret");
  directory.write("root/a.b", "served");
  auto const hidden = {
      "/.env",          "/%2eenv",           "//.env",           "/.git/config", "/.git/",
      "/dir/.hidden/a", "/.well-known/.env", "/.well-known.env", "http://x/.env"};
  static_files const all{root(), {.browse = true, .dotfiles = true}};
  for (auto const* target : hidden) {
    BOOST_TEST(status(target) == http::status::not_found, target);
    BOOST_TEST(all.find(target).status == http::status::ok, target);
  }
  BOOST_TEST(content(find("/.well-known/acme-challenge/token").file) == "token");
  BOOST_TEST(content(find("/a.b").file) == "served");
}

BOOST_FIXTURE_TEST_CASE(is_listed_with_its_neighbours_only_if_told, site) {
  directory.write("root/bare/.hidden", "");
  directory.write("root/bare/b", "");
  directory.write("root/bare/B", "");
  directory.write("root/bare/sub/x", "");
  directory.write("root/bare/line\nbreak", "");
  directory.write("root/bare/back\\slash", "");
  fs::create_symlink("nowhere", root() / "bare" / "broken");
  fs::create_symlink("b", root() / "bare" / "link");
  fs::create_symlink(root() / "bare" / "b", root() / "bare" / "whole");
  fs::create_symlink("/etc/passwd", root() / "bare" / "out");
  fs::create_directory_symlink("../..", root() / "bare" / "out_of_root");
  BOOST_TEST(status("/bare/") == http::status::not_found);
  static_files const files{root(), {.browse = true}};
  auto const found = files.find("/bare/");
  BOOST_TEST(found.status == http::status::ok);
  BOOST_TEST(found.name == "/bare/");
  BOOST_TEST((found.listing == std::vector<std::string>{"B", "b", "link", "sub/", "whole"}));
  static_files const all{root(), {.browse = true, .dotfiles = true}};
  BOOST_TEST(all.find("/bare/").listing.front() == ".hidden");
  BOOST_TEST(content(files.find("/").file) == "index");
  BOOST_TEST(files.find("/bare").status == http::status::moved_permanently);
  BOOST_TEST(files.find("/none/").status == http::status::not_found);
  fs::create_directory_symlink("../..", root() / "out");
  BOOST_TEST(files.find("/out/").status == http::status::not_found);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
