// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/io/detail/watched_paths.hpp>

#ifdef __linux__

#include <tls_async/io/watch_errc.hpp>

#include <boost/system/errc.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tls_async::detail {
namespace {

namespace fs = std::filesystem;

// Which names of a watched folder matter; of a watched file it is all that is told.
struct interest {
  bool in_all = false;
  std::set<std::string, std::less<>> names;
};
using watches = std::map<int, interest>;  // by watch descriptor

// What happens to the names of a folder, and to the folder.
constexpr std::uint32_t names_change =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
// What happens to the content of a file.
constexpr std::uint32_t content_changes = IN_MODIFY | IN_CLOSE_WRITE;
constexpr std::uint32_t file_changes =
    content_changes | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_DONT_FOLLOW | IN_MASK_ADD;

// path_resolution(7): the kernel follows no more.
constexpr int most_links = 40;

error_code code_of(int value) { return {value, boost::system::system_category()}; }

// One look at all paths, which sets the watches of what it meets. What is not there, or may not be
// looked at, is passed over: whether it comes is told by the watches before it.
class survey {
public:
  explicit survey(int descriptor) : descriptor_(descriptor) {}

  void see(fs::path const& given) {
    auto const end = follow(given);
    if (!end) return;
    if (is_folder(*end)) {
      see_folder(*end, true);
    } else {
      add(*end, file_changes);
    }
  }

  [[nodiscard]] error_code failure() const { return failure_; }
  [[nodiscard]] watches const& found() const { return found_; }
  [[nodiscard]] watches take() { return std::move(found_); }

private:
  using names = std::deque<std::string>;

  static bool is_folder(fs::path const& path) {
    std::error_code ec;
    return fs::is_directory(fs::symlink_status(path, ec));
  }

  static void put_before(names& rest, fs::path const& path) {
    names all;
    for (auto const& each : path.relative_path())
      all.push_back(each.native());
    rest.insert(rest.begin(), all.begin(), all.end());
  }

  // Name by name and link by link, as path_resolution(7) has it. Nothing if it ends nowhere.
  std::optional<fs::path> follow(fs::path const& given) {
    fs::path at = "/";
    names rest;
    put_before(rest, given);
    for (int links = 0; !rest.empty() && !failure_;) {
      auto const name = std::move(rest.front());
      rest.pop_front();
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        at = at.parent_path();
        continue;
      }
      watch(at, rest.empty()).names.insert(name);
      std::error_code ec;
      auto const status = fs::symlink_status(at / name, ec);
      if (!fs::exists(status)) return {};
      if (!fs::is_symlink(status)) {
        at /= name;
        continue;
      }
      auto const target = fs::read_symlink(at / name, ec);
      if (ec || ++links > most_links) return {};
      if (target.is_absolute()) at = "/";
      put_before(rest, target);
    }
    return at;
  }

  // What is in a folder, and with `deeper` what is in the folders there.
  void see_folder(fs::path const& folder, bool deeper) {
    watch(folder, true).in_all = true;
    std::error_code ec;
    fs::directory_iterator entry(folder, ec);
    for (; !ec && !failure_ && entry != fs::directory_iterator(); entry.increment(ec)) {
      std::error_code gone;
      auto const kind = entry->symlink_status(gone).type();
      auto end = kind == fs::file_type::symlink ? follow(entry->path())
                                                : std::optional<fs::path>(entry->path());
      if (deeper && end && is_folder(*end)) see_folder(*end, false);
    }
  }

  // Watches a folder, with or without the content of its files. Without a watch, what is wanted of
  // it goes nowhere.
  interest& watch(fs::path const& folder, bool content) {
    auto const [known, is_new] = folders_.try_emplace(folder.native());
    auto& [descriptor, has_content] = known->second;
    if (is_new || (content && !has_content)) {
      has_content = content;
      descriptor = add(folder, names_change | (content ? content_changes : 0) | IN_ONLYDIR |
                                   IN_DONT_FOLLOW | IN_MASK_ADD);
    }
    return descriptor >= 0 ? found_[descriptor] : nowhere_;
  }

  int add(fs::path const& path, std::uint32_t mask) {
    if (failure_) return -1;
    int const watch = inotify_add_watch(descriptor_, path.c_str(), mask);
    if (watch >= 0) {
      found_.try_emplace(watch);
    } else if (errno == ENOSPC) {
      failure_ = watch_errc::too_many_watches;
    } else if (errno == ENOMEM) {
      failure_ = code_of(errno);
    }
    return watch;
  }

  struct watched_folder {
    int descriptor = -1;
    bool has_content = false;
  };

  int descriptor_;
  error_code failure_;
  watches found_;
  interest nowhere_;
  std::map<std::string, watched_folder> folders_;  // by path
};

bool matters(inotify_event const& event, std::string_view name, watches& known) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) return true;  // some of its events are lost
  auto const at = known.find(event.wd);
  if (at == known.end()) return false;  // of a watch that was given up
  auto const& [in_all, names] = at->second;
  if (name.empty() || in_all || names.contains(name)) {
    if ((event.mask & IN_IGNORED) != 0) known.erase(at);
    return true;
  }
  return false;
}

// The buffer is the kernel's: whole events, one behind the other.
bool any_matters(std::byte const* first, std::byte const* last, watches& known) {
  bool result = false;
  while (first != last) {
    inotify_event event;
    std::memcpy(&event, first, sizeof(event));
    first += sizeof(event);
    auto const* const name = reinterpret_cast<char const*>(first);
    if (matters(event, {name, strnlen(name, event.len)}, known)) result = true;
    first += event.len;
  }
  return result;
}

}  // namespace

struct watched_paths::state {
  int descriptor;
  std::vector<fs::path> paths;
  watches known;
};

int watched_paths::open() {
  int const descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  error_code const code = errno == EMFILE ? watch_errc::too_many_watchers : code_of(errno);
  throw boost::system::system_error(code, "file_watcher");
}

watched_paths::watched_paths(int descriptor, fs::path const* first, std::size_t count)
    : state_(new state{descriptor, {}, {}}) {
  for (auto const* each = first; each != first + count; ++each) {
    std::error_code ec;
    auto path = each->empty() ? *each : fs::absolute(*each, ec);
    if (path.empty() && !ec) ec = std::make_error_code(std::errc::invalid_argument);
    if (ec) throw boost::system::system_error(code_of(ec.value()), "file_watcher");
    state_->paths.push_back(std::move(path));
  }
  if (auto const ec = look()) throw boost::system::system_error(ec, "file_watcher");
}

watched_paths::~watched_paths() = default;

error_code watched_paths::read() noexcept {
  try {
    if (auto const ec = take_events()) return ec;
    return must_look_ ? look() : error_code();
  } catch (...) {  // std::bad_alloc: all else is told by an error code
  }
  must_look_ = true;
  ++changes_;
  return make_error_code(boost::system::errc::not_enough_memory);
}

error_code watched_paths::take_events() {
  // 64 times: as much as the kernel's queue has by default, if all names are long.
  constexpr int most_reads = 64;
  std::array<std::byte, 16384> buffer;
  for (int reads = 0; reads != most_reads; ++reads) {
    auto const n = ::read(state_->descriptor, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? error_code() : code_of(errno);
    if (any_matters(buffer.data(), buffer.data() + n, state_->known)) must_look_ = true;
  }
  return {};
}

error_code watched_paths::look() {
  ++changes_;
  survey now(state_->descriptor);
  for (auto const& each : state_->paths)
    now.see(each);
  if (now.failure()) {
    for (auto const& [watch, wanted] : now.found())
      state_->known[watch] = wanted;
    return now.failure();
  }
  auto const before = std::exchange(state_->known, now.take());
  for (auto const& [watch, wanted] : before) {
    if (!state_->known.contains(watch)) (void)inotify_rm_watch(state_->descriptor, watch);
  }
  must_look_ = false;
  return {};
}

}  // namespace tls_async::detail

#endif
