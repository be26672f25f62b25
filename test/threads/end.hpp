// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One end of a connection: its life by the plan, and what its verbs may end with. Knows no type of
// a stream; end_of.hpp has that.
#pragma once

#include "place.hpp"
#include "settings.hpp"
#include "transcript.hpp"
#include "verb.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

namespace tls_async::threads {

/// What an end asks of its round. Thread-safe.
class host {
public:
  virtual void has_shaken() = 0;
  virtual void has_finished() = 0;
  /// To be run by one of the threads outside.
  virtual void give(std::function<void()> job) = 0;
  /// To be run by a thread of its own.
  virtual void spawn(std::function<void()> job) = 0;

protected:
  ~host() = default;
};

/// What both ends, the judge and the watchdog know of each other; outlives the ends.
struct standing {
  std::string name;
  std::array<std::atomic<int>, verb_kinds> in_progress{};
  std::atomic<bool> has_shaken = false, has_finished = false;
  std::atomic<bool> closes = false;     ///< close_notify was asked for.
  std::atomic<bool> has_ended = false;  ///< The reader has met the peer's.
  std::atomic<bool> is_broken = false;  ///< Closed or destroyed before its time.
  std::atomic<bool> is_gone = false;    ///< The stream is destroyed.
  std::atomic<bool> is_cancelled_below = false;
  std::atomic<bool> discards = false;  ///< A shutdown may throw away what comes.
  std::atomic<bool> is_abandoned = false;
  std::unique_ptr<transcript> sent;  ///< By this end.
};

class end : public std::enable_shared_from_this<end> {
public:
  struct surroundings {
    host* with;
    connection_plan const* connection;
    end_plan const* plan;
    bool is_client;
    place_ptr home;                 ///< Where calls are made that need a strand.
    place_ptr socket;               ///< The executor of the next layer.
    std::vector<place_ptr> others;  ///< Further ones for handlers.
    std::shared_ptr<standing> mine, peers;
  };

  explicit end(surroundings in) : in_(std::move(in)) {}
  end(end const&) = delete;
  virtual ~end() = default;

  /// From the thread that made it.
  void begin();
  /// Destroys the stream, at home: in good order if the life is over.
  void leave();

  [[nodiscard]] std::string const& name() const { return mine().name; }
  /// Judges what a verb ended with.
  void ended(verb& done, error_code ec, std::size_t n);
  void handler_was_destroyed(verb& of);

protected:
  // The stream.
  /// False if it is gone. Under the lock, if calls come from other threads.
  virtual bool has_stream() const = 0;
  virtual void launch(verb_ptr const& one) = 0;
  virtual bool try_write(std::string_view message) = 0;
  virtual void write_detached(std::string_view message) = 0;
  virtual void do_act(act what) = 0;
  virtual void set_expiry(std::chrono::milliseconds after) = 0;
  virtual void destroy_stream() = 0;
  virtual void read_in_coroutine(bool with_operators) = 0;
  virtual void write_in_coroutine(std::size_t writer) = 0;
  /// False if there is no stream any more.
  virtual bool read_as_future(std::vector<char>& room, error_code& ec, std::size_t& n) = 0;
  virtual bool write_as_future(std::string_view message, maybe_limit limit, error_code& ec,
                               std::size_t& n) = 0;

  [[nodiscard]] end_plan const& plan() const { return *in_.plan; }
  [[nodiscard]] standing& mine() const { return *in_.mine; }
  [[nodiscard]] standing const& peer() const { return *in_.peers; }
  [[nodiscard]] bool is_client() const { return in_.is_client; }
  [[nodiscard]] bool tls_1_2() const { return in_.connection->tls_1_2; }
  [[nodiscard]] place const& home() const { return *in_.home; }
  [[nodiscard]] std::shared_mutex& calls() { return calls_; }
  /// Of the program: callables of relocatable buffers take it, and some verbs start under it.
  [[nodiscard]] std::recursive_mutex& program() { return program_; }
  /// Calls come from several threads, and are kept from moving and destroying by `calls`.
  [[nodiscard]] bool is_shared() const { return in_.connection->is_direct; }

  /// By the read that was started as the `number`th.
  void has_come(std::size_t number, std::string_view bytes);
  // For reads and writes without a verb of ours.
  void has_come(char const* bytes, std::size_t n) {
    in_.peers->sent->arrive(std::string_view(bytes, n));
  }
  void judge(verb_kind what, error_code ec, std::size_t n, bool may_expire, bool is_cancelled);
  /// What a reader does with the end of a read: true if it is to go on.
  bool reads_on(error_code ec);
  void reader_has_ended();
  void writer_has_ended();
  /// True if the writer is to go on.
  bool writes_on(error_code ec) const;
  transcript::entry& start_entry(std::size_t writer, std::size_t index);
  message_plan const& planned(std::size_t writer, std::size_t index) const {
    return plan().writers[writer].messages[index];
  }
  /// After a while.
  static void later(place const& where, std::chrono::microseconds after,
                    std::function<void()> what);

private:
  verb_ptr make(verb_kind what, maybe_limit limit, bool binds);
  bool start(verb_ptr const& one);
  void cancel_some_time(verb_ptr const& one);
  void shake(std::size_t attempt);
  void is_up();
  void start_work();
  void read();
  void second_read();
  void start_writer(std::size_t writer);
  void write(std::size_t writer, std::size_t index, std::function<void(error_code)> then);
  void write_chain(std::size_t writer, std::size_t index);
  void write_burst(std::size_t writer, bool posts);
  void write_futures(std::size_t writer);
  void read_futures();
  void update_keys(std::size_t left);
  void end_writing(std::size_t attempt);
  void half_has_ended();
  void shut_down(std::size_t attempt, std::function<void()> then);
  void finish();
  void fail(char const* what, error_code ec);
  void run_act(act what);
  void destroy_now();

  surroundings in_;
  std::shared_mutex calls_;
  std::recursive_mutex program_;
  std::atomic<std::size_t> writers_left_ = 0;
  std::atomic<int> halves_left_ = 2;
  std::atomic<bool> is_up_ = false;
  int second_reads_ = 0;     ///< In progress.
  bool is_refused_ = false;  ///< The reader goes on behind one of those.
  std::size_t reads_ = 0;    ///< By the one reader.
  std::size_t started_ = 0;  ///< Of the reads by callbacks, second ones among them; and these:
  std::size_t told_ = 0;     ///< All before it have had their handlers called.
  std::map<std::size_t, std::string> come_early_;
  std::atomic<std::size_t> turn_ = 0;
  std::atomic<bool> is_shutting_ = false;
};

}  // namespace tls_async::threads
