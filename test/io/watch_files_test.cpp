// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a file watcher tells of, with the files of a real folder: each way in which files are
// renewed, and the limits of the system.
#include "watched_folder.hpp"

#include <tls_async_test/virtual_clock.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace {

// What the system refuses: errno, or 0.
int refused_watches = 0;
int refused_watchers = 0;
// The one path whose watch is refused; all, if empty.
std::string refused_path;
std::size_t added_watches = 0;

}  // namespace

// In the place of the C library's, whose parameters have names that are reserved.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
extern "C" int inotify_add_watch(int descriptor, char const* path, std::uint32_t mask) noexcept {
  ++added_watches;
  if (refused_watches == 0 || (!refused_path.empty() && refused_path != path)) {
    return static_cast<int>(syscall(SYS_inotify_add_watch, descriptor, path, mask));
  }
  errno = refused_watches;
  return -1;
}
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
extern "C" int inotify_init1(int flags) noexcept {
  if (refused_watchers == 0) return static_cast<int>(syscall(SYS_inotify_init1, flags));
  errno = refused_watchers;
  return -1;
}

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(watch_files)

BOOST_AUTO_TEST_CASE(tells_of_whatever_happens_to_a_file) {
  watched_folder const folder;
  auto const file = folder / "cert.pem";
  eager_watcher watch({file});
  BOOST_TEST(!watch.has_told());
  write_file(file, "1");
  BOOST_TEST(watch.has_told(), "it appears");
  BOOST_TEST(!watch.has_told());
  write_file(file, "2");
  BOOST_TEST(watch.has_told(), "it is written in place");
  std::ofstream(file, std::ios::app) << "3";
  BOOST_TEST(watch.has_told(), "it grows");
  replace_file(file, "4");
  BOOST_TEST(watch.has_told(), "it is replaced");
  replace_file(file, "5");
  BOOST_TEST(watch.has_told(), "it is replaced once more");
  write_file(file, "6");
  BOOST_TEST(watch.has_told(), "what replaced it is written in place");
  fs::permissions(file, fs::perms::owner_read);
  BOOST_TEST(watch.has_told(), "its permissions change");
  fs::rename(file, folder / "old.pem");
  BOOST_TEST(watch.has_told(), "it goes");
  fs::rename(folder / "old.pem", file);
  BOOST_TEST(watch.has_told(), "it comes back");
  fs::remove(file);
  BOOST_TEST(watch.has_told(), "it is removed");
  BOOST_TEST(!watch.has_told());
}

BOOST_AUTO_TEST_CASE(tells_of_writes_through_another_name) {
  watched_folder const folder;
  fs::create_directories(folder / "a");
  fs::create_directories(folder / "b");
  write_file(folder / "a/cert.pem", "1");
  fs::create_hard_link(folder / "a/cert.pem", folder / "b/cert.pem");
  eager_watcher watch({folder / "a/cert.pem"});
  write_file(folder / "b/cert.pem", "2");
  BOOST_TEST(watch.has_told());
}

BOOST_AUTO_TEST_CASE(tells_nothing_of_reads_and_of_other_files) {
  watched_folder const folder;
  write_file(folder / "cert.pem", "1");
  eager_watcher watch({folder / "cert.pem"});
  BOOST_TEST(content_of(folder / "cert.pem") == "1");
  write_file(folder / "another.pem", "2");
  replace_file(folder / "another.pem", "3");
  fs::create_directory(folder / "deep");
  write_file(folder / "deep/cert.pem", "4");
  BOOST_TEST(!watch.has_told());
}

BOOST_AUTO_TEST_CASE(waits_for_folders_that_do_not_exist_yet) {
  watched_folder const folder;
  eager_watcher watch({folder / "a/b/c/cert.pem"});
  for (auto const* each : {"a", "a/b", "a/b/c"}) {
    fs::create_directory(folder / each);
    BOOST_TEST(watch.has_told(), each);
  }
  write_file(folder / "a/b/c/cert.pem", "1");
  BOOST_TEST(watch.has_told());
  write_file(folder / "a/b/c/cert.pem", "2");
  BOOST_TEST(watch.has_told());
}

BOOST_AUTO_TEST_CASE(finds_what_came_into_a_new_folder_at_once) {
  watched_folder const folder;
  eager_watcher watch({folder / "a/b/cert.pem"});
  fs::create_directories(folder / "a/b");
  write_file(folder / "a/b/cert.pem", "1");
  BOOST_TEST(watch.has_told());
  write_file(folder / "a/b/cert.pem", "2");
  BOOST_TEST(watch.has_told());
}

BOOST_AUTO_TEST_CASE(follows_a_folder_that_is_removed_and_made_anew) {
  watched_folder const folder;
  fs::create_directories(folder / "a/b");
  write_file(folder / "a/b/cert.pem", "1");
  eager_watcher watch({folder / "a/b/cert.pem"});
  for (int round = 0; round != 3; ++round) {
    fs::remove_all(folder / "a");
    BOOST_TEST(watch.has_told());
    fs::create_directories(folder / "a/b");
    BOOST_TEST(watch.has_told());
    write_file(folder / "a/b/cert.pem", "2");
    BOOST_TEST(watch.has_told());
    BOOST_TEST(!watch.has_told());
  }
}

BOOST_AUTO_TEST_CASE(follows_a_folder_far_above_that_is_replaced) {
  watched_folder const folder;
  for (auto const* each : {"a/b/c", "new/b/c"}) {
    fs::create_directories(folder / each);
    write_file(folder / each / "cert.pem", each);
  }
  eager_watcher watch({folder / "a/b/c/cert.pem"});
  fs::rename(folder / "a", folder / "old");
  fs::rename(folder / "new", folder / "a");
  BOOST_TEST(watch.has_told());
  write_file(folder / "old/b/c/cert.pem", "which is none of ours any more");
  BOOST_TEST(!watch.has_told());
  write_file(folder / "a/b/c/cert.pem", "2");
  BOOST_TEST(watch.has_told());
}

BOOST_AUTO_TEST_CASE(follows_the_links_of_kubernetes) {
  watched_folder const folder;
  auto const release = [&](std::string const& name) {
    fs::create_directory(folder / name);
    write_file(folder / name / "tls.crt", name);
    write_file(folder / name / "tls.key", name);
    replace_link(folder / "..data", name);
  };
  release("..1");
  fs::create_symlink("..data/tls.crt", folder / "tls.crt");
  fs::create_symlink("..data/tls.key", folder / "tls.key");
  eager_watcher watch({folder / "tls.crt", folder / "tls.key"});
  eager_watcher whole({folder.path()});
  for (auto const* each : {"..2", "..3", "..4"}) {
    auto const before = fs::read_symlink(folder / "..data");
    release(each);
    BOOST_TEST(watch.has_told());
    BOOST_TEST(whole.has_told());
    fs::remove_all(folder / before);
    BOOST_TEST(!watch.has_told());
    BOOST_TEST(content_of(folder / "tls.crt") == each);
    write_file(folder / each / "tls.key", "in place");
    BOOST_TEST(watch.has_told());
  }
}

BOOST_AUTO_TEST_CASE(follows_the_links_of_certbot) {
  watched_folder const folder;
  fs::create_directories(folder / "live/example.org");
  fs::create_directories(folder / "archive/example.org");
  auto const link = folder / "live/example.org/fullchain.pem";
  auto const renew = [&](std::string const& number) {
    auto const name = "../../archive/example.org/fullchain" + number + ".pem";
    write_file(folder / "live/example.org" / name, number);
    fs::remove(link);
    fs::create_symlink(name, link);
  };
  renew("1");
  eager_watcher file({link});
  eager_watcher folder_of_names({folder / "live"});
  for (auto const* each : {"2", "3"}) {
    renew(each);
    BOOST_TEST(file.has_told());
    BOOST_TEST(folder_of_names.has_told());
    BOOST_TEST(content_of(link) == each);
  }
  write_file(folder / "archive/example.org/fullchain3.pem", "in place");
  BOOST_TEST(file.has_told());
  BOOST_TEST(folder_of_names.has_told());
}

BOOST_AUTO_TEST_CASE(follows_links_that_lead_far) {
  watched_folder const folder;
  fs::create_directories(folder / "a/b");
  fs::create_directories(folder / "c");
  fs::create_directory_symlink(folder / "a/b", folder / "c/b");           // absolute
  fs::create_symlink("../c/../c/./b/../b/real.pem", folder / "a/x.pem");  // through it and back
  eager_watcher watch({folder / "c/b/../x.pem"});  // a/x.pem, since c/b is a/b
  write_file(folder / "a/b/real.pem", "1");
  BOOST_TEST(watch.has_told());
  BOOST_TEST(content_of(folder / "c/b/../x.pem") == "1");
  eager_watcher straight({folder / "c/b/real.pem"});
  write_file(folder / "a/b/real.pem", "2");
  BOOST_TEST(straight.has_told());
  fs::create_directories(folder / "d");
  write_file(folder / "d/real.pem", "3");
  replace_link(folder / "c/b", "../d");
  BOOST_TEST(straight.has_told());
  BOOST_TEST(content_of(folder / "c/b/real.pem") == "3");
  write_file(folder / "d/real.pem", "4");
  BOOST_TEST(straight.has_told());
}

BOOST_AUTO_TEST_CASE(waits_where_a_path_leads_nowhere) {
  watched_folder const folder;
  write_file(folder / "file", "1");
  fs::create_symlink("round", folder / "about");
  fs::create_symlink("about", folder / "round");
  fs::create_symlink("nothing", folder / "dangling");
  eager_watcher watch({folder / "file/below", folder / "round/x", folder / "dangling",
                       folder / std::string(300, 'x'), "/proc/no such/file"});
  BOOST_TEST(!watch.has_told());
  write_file(folder / "nothing", "2");
  BOOST_TEST(watch.has_told());
  fs::create_directory(folder / "d");
  replace_link(folder / "round", "d");
  BOOST_TEST(watch.has_told());
  write_file(folder / "d/x", "3");
  BOOST_TEST(watch.has_told());
  fs::remove(folder / "file");
  fs::create_directory(folder / "file");
  BOOST_TEST(watch.has_told());
  write_file(folder / "file/below", "4");
  BOOST_TEST(watch.has_told());
}

BOOST_AUTO_TEST_CASE(watches_a_folder_and_its_folders) {
  watched_folder const folder;
  fs::create_directories(folder / "live/a/deep");
  eager_watcher watch({folder / "live"});
  write_file(folder / "live/README", "1");
  BOOST_TEST(watch.has_told());
  write_file(folder / "live/a/cert.pem", "2");
  BOOST_TEST(watch.has_told());
  write_file(folder / "live/a/deep/cert.pem", "3");
  BOOST_TEST(!watch.has_told(), "two levels, not three");
  fs::create_directory(folder / "live/b");
  BOOST_TEST(watch.has_told());
  write_file(folder / "live/b/cert.pem", "4");
  BOOST_TEST(watch.has_told());
  fs::create_directory(folder / "elsewhere");
  fs::create_directory_symlink("../elsewhere", folder / "live/c");
  BOOST_TEST(watch.has_told());
  write_file(folder / "elsewhere/cert.pem", "5");
  BOOST_TEST(watch.has_told());
  fs::remove_all(folder / "live");
  BOOST_TEST(watch.has_told());
  fs::create_directories(folder / "live/a");
  BOOST_TEST(watch.has_told());
  write_file(folder / "live/a/cert.pem", "6");
  BOOST_TEST(watch.has_told());
}

BOOST_AUTO_TEST_CASE(watches_a_folder_that_another_path_goes_through) {
  watched_folder const folder;
  fs::create_directories(folder / "a/b");
  write_file(folder / "a/key.pem", "1");
  eager_watcher watch({folder / "a/b/c/cert.pem", folder / "a"});
  write_file(folder / "a/key.pem", "2");
  BOOST_TEST(watch.has_told());
}

BOOST_AUTO_TEST_CASE(tells_of_the_mode_of_a_folder_on_the_way) {
  watched_folder const folder;
  fs::create_directories(folder / "a/b");
  eager_watcher watch({folder / "a/b/cert.pem"});
  for (auto const* each : {"a", "a/b"}) {
    fs::permissions(folder / each, fs::perms::owner_all);
    BOOST_TEST(watch.has_told(), each);
  }
}

// Of all watchers of this process, as proc(5) has it.
std::size_t watches_in_use() {
  std::size_t result = 0;
  for (auto const& each : fs::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(each.path());
    for (std::string line; std::getline(info, line);)
      result += line.starts_with("inotify wd:") ? 1 : 0;
  }
  return result;
}

BOOST_AUTO_TEST_CASE(gives_back_the_watches_of_what_it_leads_to_no_more) {
  watched_folder const folder;
  auto const release = [&](int number) {
    auto const name = std::to_string(number);
    fs::create_directory(folder / name);
    write_file(folder / name / "cert.pem", name);
    replace_link(folder / "now", name);
  };
  release(0);
  eager_watcher watch({folder / "now/cert.pem"});
  auto const before = watches_in_use();
  BOOST_TEST(before > 3U);
  for (int number = 1; number != 30; ++number) {
    release(number);
    BOOST_TEST(watch.has_told());
    BOOST_TEST(watches_in_use() == before);
  }
}

BOOST_AUTO_TEST_CASE(tells_of_what_changed_before_it_was_asked) {
  watched_folder const folder;
  asio::io_context io;
  file_watcher watcher(io.get_executor(), {folder / "a/cert.pem"}, 0s);
  BOOST_TEST(io.run() == 0U, "it keeps no work");
  fs::create_directory(folder / "a");
  for (int round = 0; round != 3; ++round) {
    write_file(folder / "a/cert.pem", "1");
    std::optional<error_code> told;
    watcher.async_wait([&](error_code ec) { told = ec; });
    BOOST_TEST(!told.has_value(), "within async_wait");
    io.restart();
    io.run();
    BOOST_TEST_REQUIRE(told.has_value());
    BOOST_TEST(!*told);
  }
}

BOOST_AUTO_TEST_CASE(wakes_a_loop_that_waits) {
  watched_folder const folder;
  asio::io_context io;
  file_watcher watcher(io.get_executor(), {folder / "cert.pem"}, 0s);
  std::optional<error_code> told;
  watcher.async_wait([&](error_code ec) { told = ec; });
  io.poll();
  write_file(folder / "another.pem", "1");
  io.run_one();  // and nothing comes of it
  BOOST_TEST(!told.has_value());
  write_file(folder / "cert.pem", "1");
  io.run();
  BOOST_TEST_REQUIRE(told.has_value());
  BOOST_TEST(!*told);
}

// ---- When it is told.

using virtual_watcher = basic_file_watcher<asio::any_io_executor, virtual_clock>;

BOOST_AUTO_TEST_CASE(tells_when_nothing_has_changed_for_the_debounce_time) {
  watched_folder const folder;
  asio::io_context io;
  virtual_watcher watcher(io.get_executor(), {folder / "cert.pem"});
  std::optional<error_code> told;
  watcher.async_wait([&](error_code ec) { told = ec; });
  pass(io, 10min);
  BOOST_TEST(!told.has_value());
  write_file(folder / "cert.pem", "1");
  io.run_one();
  for (int i = 0; i != 5; ++i) {
    write_file(folder / "cert.pem", "2");
    pass(io, 500ms);
    BOOST_TEST(!told.has_value());
  }
  pass(io, 499ms);
  BOOST_TEST(!told.has_value());
  pass(io, 1ms);
  BOOST_TEST_REQUIRE(told.has_value());
  BOOST_TEST(!*told);
}

BOOST_AUTO_TEST_CASE(tells_after_ten_times_that_if_it_does_not_stop) {
  watched_folder const folder;
  asio::io_context io;
  virtual_watcher watcher(io.get_executor(), {folder / "cert.pem"}, 3s);
  std::optional<error_code> told;
  watcher.async_wait([&](error_code ec) { told = ec; });
  write_file(folder / "cert.pem", "1");
  pass(io, 0s);
  for (int second = 1; second != 30; ++second) {
    write_file(folder / "cert.pem", "2");
    pass(io, 1s);
    BOOST_TEST(!told.has_value(), second);
  }
  write_file(folder / "cert.pem", "3");
  pass(io, 1s);
  BOOST_TEST(told.has_value());
}

BOOST_AUTO_TEST_CASE(takes_any_debounce_time) {
  watched_folder const folder;
  asio::io_context io;
  for (time_limit const each : {time_limit(-1s), time_limit(std::chrono::hours::max())}) {
    virtual_watcher watcher(io.get_executor(), {folder / "cert.pem"}, each);
    std::optional<error_code> told;
    watcher.async_wait([&](error_code ec) { told = ec; });
    write_file(folder / "cert.pem", "1");
    pass(io, 0s);
    BOOST_TEST(told.has_value() == (each.span() == 0s));
    pass(io, 24h);
    BOOST_TEST(told.has_value());
  }
}

BOOST_AUTO_TEST_CASE(looks_seldom_and_tells_once_in_a_storm) {
  watched_folder const folder;
  asio::io_context io;
  added_watches = 0;
  virtual_watcher watcher(io.get_executor(), {folder / "cert.pem"});
  auto const added_at_once = added_watches;
  std::vector<error_code> told;
  watcher.async_wait([&](error_code ec) { told.push_back(ec); });
  io.poll();
  write_file(folder / "a", "1");
  for (int i = 0; i != 5'000; ++i) {
    fs::rename(folder / "a", folder / "cert.pem");
    fs::rename(folder / "cert.pem", folder / "a");
    io.restart();
    if (i % 100 == 0) io.poll();
  }
  pass(io, 500ms);
  pass(io, 500ms);
  BOOST_TEST_REQUIRE(told.size() == 1U);
  BOOST_TEST(!told.front());
  BOOST_TEST(added_watches <= 4 * added_at_once);
  watcher.async_wait([&](error_code ec) { told.push_back(ec); });
  pass(io, 10min);
  BOOST_TEST(told.size() == 1U);
}

BOOST_AUTO_TEST_CASE(takes_lost_events_for_a_change) {
  std::size_t most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  if (most == 0 || most > 200'000) {
    BOOST_TEST_MESSAGE("not tested: the kernel's queue is too long");
    return;
  }
  watched_folder const folder;
  write_file(folder / "a", "1");
  eager_watcher watch({folder / "cert.pem"});
  for (std::size_t i = 0; i <= most / 4; ++i) {
    fs::rename(folder / "a", folder / "b");
    fs::rename(folder / "b", folder / "a");
  }
  BOOST_TEST(watch.has_told());
  BOOST_TEST(!watch.has_told());
  write_file(folder / "cert.pem", "1");
  BOOST_TEST(watch.has_told());
}

// ---- What the system refuses.

error_code refusal(std::vector<fs::path> const& paths) {
  asio::io_context io;
  try {
    file_watcher const watcher(io.get_executor(), paths);
  } catch (boost::system::system_error const& refused) {
    return refused.code();
  }
  return {};
}

BOOST_AUTO_TEST_CASE(says_which_limit_is_in_the_way) {
  watched_folder const folder;
  std::vector<fs::path> const paths{folder / "cert.pem"};
  refused_watches = ENOSPC;
  auto const watches = refusal(paths);
  refused_watches = ENOMEM;
  BOOST_TEST((refusal(paths) == boost::system::errc::not_enough_memory));
  refused_watches = EACCES;
  BOOST_TEST(!refusal(paths), "a folder that we may not read is passed over");
  refused_watches = 0;
  refused_watchers = EMFILE;
  auto const watchers = refusal(paths);
  refused_watchers = ENOMEM;
  BOOST_TEST((refusal(paths) == boost::system::errc::not_enough_memory));
  refused_watchers = 0;
  BOOST_TEST((watches == watch_errc::too_many_watches));
  BOOST_TEST(watches.message().find("/proc/sys/fs/inotify/max_user_watches") != std::string::npos);
  BOOST_TEST((watchers == watch_errc::too_many_watchers));
  BOOST_TEST(watchers.message().find("/proc/sys/fs/inotify/max_user_instances") !=
             std::string::npos);
  BOOST_TEST((refusal({""}) == boost::system::errc::invalid_argument));
  BOOST_TEST(!refusal({}));
}

BOOST_AUTO_TEST_CASE(watches_the_file_itself_if_its_folder_may_not_be_read) {
  watched_folder const folder;
  auto const file = folder / "cert.pem";
  write_file(file, "1");
  refused_watches = EACCES;
  refused_path = folder.path().native();
  eager_watcher watch({file});
  write_file(file, "2");
  BOOST_TEST(watch.has_told());
  for (int round = 0; round != 3; ++round) {
    replace_file(file, "3");
    BOOST_TEST(watch.has_told());
    write_file(file, "4");
    BOOST_TEST(watch.has_told());
  }
  refused_watches = 0;
  refused_path.clear();
}

BOOST_AUTO_TEST_CASE(loses_nothing_by_a_limit) {
  watched_folder const folder;
  asio::io_context io;
  file_watcher watcher(io.get_executor(), {folder / "a/cert.pem"}, 0s);
  error_code told;
  auto const ask = [&] {
    told = asio::error::would_block;
    watcher.async_wait([&](error_code ec) { told = ec; });
    io.restart();
    io.poll();
  };
  refused_watches = ENOSPC;
  fs::create_directory(folder / "a");
  for (int i = 0; i != 3; ++i) {
    ask();
    BOOST_TEST((told == watch_errc::too_many_watches));
  }
  refused_watches = 0;
  write_file(folder / "a/cert.pem", "not seen");
  ask();
  BOOST_TEST(!told, told.message());
  ask();
  BOOST_TEST((told == asio::error::would_block));
  write_file(folder / "a/cert.pem", "seen");
  io.restart();
  io.run();
  BOOST_TEST(!told, told.message());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
