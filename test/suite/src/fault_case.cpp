// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/deeds.hpp>
#include <tls_async_test/fault_case.hpp>

#include <boost/system/error_code.hpp>

#include <array>
#include <cerrno>
#include <utility>

namespace tls_async::test {
namespace {

constexpr std::array all_verbs{verb::handshake, verb::write, verb::read, verb::shutdown};

class case_list {
public:
  std::vector<fault_case> make() {
    for (role const side : {role::client, role::server}) {
      for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        next_ = {};
        next_.side = side;
        next_.version = version;
        points_ = records_of_session(side == role::client ? role::server : role::client, version);
        add_honest();
        add_identities();
        add_deeds();
        add_alerts();
        add_ends();
        add_floods();
        add_silence();
        add_transfers();
        add_failures();
        add_cancellations();
      }
    }
    return std::move(made_);
  }

private:
  // Of the peer's own records: three messages and close_notify are the last.
  [[nodiscard]] std::size_t first_message() const { return points_ - 4; }

  fault_case& add(char const* kind, std::string what, std::string const& where = {}) {
    fault_case& made = made_.emplace_back(next_);
    made.kind = kind;
    made.what = std::move(what);
    made.where = std::string(next_.side == role::client ? "client" : "server") + " of TLS 1." +
                 (next_.version == TLS1_3_VERSION ? "3" : "2") + where;
    return made;
  }
  void add_deed(char const* kind, std::string what, placed_deed const& does) {
    // Records come one by one in one half of the cases, and all at once in the other.
    bool const at_once = ++turn_ % 2 == 0;
    auto& made =
        add(kind, std::move(what), ", " + describe(does) + (at_once ? ", all at once" : ""));
    made.plan = {does};
    made.speed = at_once ? pace::all_at_once : pace::record_by_record;
  }

  void add_honest() {
    for (pace const speed : {pace::record_by_record, pace::all_at_once}) {
      for (bool const ends_first : {false, true}) {
        auto& made =
            add("An honest peer", ends_first ? "the stream ends first" : "a whole session");
        made.speed = speed;
        made.ends_first = ends_first;
      }
    }
  }

  void add_identities() {
    for (who const peer : {who::of_another, who::untrusted}) {
      bool const is_client = next_.side == role::client;
      std::string const name = peer == who::untrusted ? "a certificate of an unknown authority"
                               : is_client            ? "a certificate for another host"
                                                      : "no certificate";
      next_.peer = peer;
      for (std::size_t point = 0; point != points_ - 4; ++point) {
        add_deed("A peer that is not to be trusted", name,
                 {&deed_of("nothing"), point, deed_keys::due, deed_end::in_place_of_next});
        for (char const* const deed : {"close_notify", "Finished of zeros", "an empty certificate"})
          add_deed("A peer that is not to be trusted", name, {&deed_of(deed), point});
      }
      next_.peer = who::known;
    }
  }

  void add_deeds() {
    constexpr std::array ends{deed_end::goes_on, deed_end::in_place_of_next,
                              deed_end::end_of_transport};
    for (deed const& what : all_deeds()) {
      for (std::size_t point = 0; point <= points_; ++point) {
        add_deed("What the peer sends", what.name, {&what, point});
        if (++other_turn_ % 3 != 0) continue;
        auto const then = ends[other_turn_ / 3 % ends.size()];
        if (what.how != deed::manner::sends_record) {
          if (then != deed_end::goes_on)
            add_deed("What the peer sends", what.name, {&what, point, deed_keys::due, then});
          continue;
        }
        deed_keys const under = other_turn_ / 9 % 2 == 0 ? deed_keys::none : deed_keys::wrong;
        add_deed("What the peer sends", what.name, {&what, point, under, then});
      }
    }
  }

  void add_alerts() {
    // RFC 8446 section 6, and those of earlier versions.
    constexpr std::array numbers{0,   10,  20,  21,  22,  30,  40,  41,  42,  43, 44, 45,
                                 46,  47,  48,  49,  50,  51,  60,  70,  71,  80, 86, 90,
                                 100, 109, 110, 112, 113, 115, 116, 120, 200, 255};
    static std::vector<deed> const alerts = [&numbers] {
      std::vector<deed> made;
      for (int const level : {1, 2}) {
        for (int const number : numbers)
          made.push_back(alert_of(level, number));
      }
      return made;
    }();
    std::size_t turn = 0;
    for (deed const& alert : alerts) {
      std::string const what = alert.bytes[0] == 1 ? "an alert as a warning" : "an alert as fatal";
      add_deed("Alerts", what, {&alert, turn++ % points_});
      add_deed("Alerts", what, {&alert, first_message() + 1});
    }
  }

  void add_ends() {
    deed const& next = deed_of("the next");
    for (std::size_t point = 0; point <= points_; ++point) {
      add_deed("Where the transport ends", "between two records",
               {&deed_of("nothing"), point, deed_keys::due, deed_end::end_of_transport});
      for (std::size_t const cut : {1U, 4U, 5U, 6U, 12U})
        add_deed("Where the transport ends", "in a record",
                 {&next, point, deed_keys::due, deed_end::goes_on, cut});
      for (std::size_t const lacks : {1U, 8U, 17U})
        add_deed("Where the transport ends", "in a record",
                 {&next, point, deed_keys::due, deed_end::goes_on, everything, lacks});
    }
  }

  // After the handshake, behind the first message.
  void add_floods() {
    for (char const* const name :
         {"KeyUpdate", "KeyUpdate with a request", "a ticket", "HelloRequest",
          "empty application data", "an empty alert", "an empty handshake record",
          "ChangeCipherSpec", "user_canceled", "no_renegotiation"}) {
      for (std::size_t const many : {20U, 1'000U}) {
        auto const count = std::to_string(many);
        for (pace const speed : {pace::record_by_record, pace::all_at_once}) {
          bool const at_once = speed == pace::all_at_once;
          auto& made = add("Floods", name + std::string(", ") + count + " times",
                           at_once ? ", all at once" : "");
          made.speed = speed;
          made.plan.assign(many, {&deed_of(name), first_message() + 1});
        }
      }
    }
  }

  void add_silence() {
    for (std::size_t point = 0; point < first_message(); ++point)
      add_deed("A peer that falls silent", "in the handshake",
               {&deed_of("nothing"), point, deed_keys::due, deed_end::silence});
    auto& waits = add("A peer that falls silent", "after the handshake");
    waits.plan = {{&deed_of("nothing"), first_message(), deed_keys::due, deed_end::silence}};
    auto& ends = add("A peer that falls silent", "when the stream ends the session");
    ends.plan = {{&deed_of("nothing"), points_ - 1, deed_keys::due, deed_end::silence}};
    ends.ends_first = true;
  }

  void add_transfers() {
    for (std::size_t const most : {1U, 5U, 100U}) {
      auto const bytes = std::to_string(most);
      add("A next layer that takes and gives little", "operations of " + bytes + " bytes at most")
          .faults.most = most;
      auto& slow = add("A next layer that takes and gives little", bytes + " bytes come at once");
      slow.faults.most_delivered = most;
      slow.speed = pace::all_at_once;
    }
  }

  void add_failures() {
    boost::system::error_code const reset(ECONNRESET, boost::system::system_category());
    boost::system::error_code const broken(EPIPE, boost::system::system_category());
    struct kind {
      char const* name;
      bool is_read;
      boost::system::error_code with;
    };
    for (kind const& one :
         {kind{"a reset on reading", true, reset}, kind{"zero bytes read", true, {}},
          kind{"a reset on writing", false, reset}, kind{"a broken pipe on writing", false, broken},
          kind{"zero bytes written", false, {}}}) {
      for (verb const during : all_verbs) {
        for (std::size_t nth = 0; nth != 6; ++nth) {
          for (bool const ends_first : {false, true}) {
            auto& made =
                add(one.with ? "A next layer that fails"
                             : "A next layer that reports success and zero bytes",
                    std::string(one.name) + ", in " + std::string(name_of(during)),
                    ", operation " + std::to_string(nth) + (ends_first ? ", ends first" : ""));
            (one.is_read ? made.faults.failing_read : made.faults.failing_write) = nth;
            made.faults.with = one.with;
            made.faults_from = during;
            made.ends_first = ends_first;
          }
        }
      }
    }
  }

  void add_cancellations() {
    for (verb const of : all_verbs) {
      for (bool const of_next_layer : {false, true}) {
        std::string const by = of_next_layer ? ", by the next layer" : "";
        auto const name = std::string(name_of(of)) + " is cancelled";
        auto const add_one = [&](std::size_t at, std::string const& what,
                                 std::string const& where) {
          auto& made = add("Cancellation", what + by, ", behind " + std::to_string(at) + where);
          made.cancels = {of, at, of_next_layer};
          made.ends_first = of == verb::shutdown;
          return &made;
        };
        for (std::size_t at = 0; at != 8; ++at)
          add_one(at, name + " while it waits for the peer", " records");
        for (std::size_t at = 0; at < 40; at += 3)
          add_one(at, name + " while it waits for the rest of a record", " pieces")
              ->faults.most_delivered = 10;
        // The flights and messages go by pieces, and one of them waits.
        for (std::size_t const most : {everything, std::size_t{50}}) {
          for (std::size_t held = 0; held != 4; ++held) {
            auto& made = *add_one(0, name + " while it sends", " things");
            made.where += ", operation " + std::to_string(held);
            if (most != everything) made.where += " of 50 bytes";
            made.faults.most = most;
            made.faults.held_write = held;
            made.faults_from = of;
          }
        }
      }
    }
  }

  fault_case next_;
  std::size_t points_ = 0;
  std::size_t turn_ = 0, other_turn_ = 0;
  std::vector<fault_case> made_;
};

}  // namespace

std::string_view name_of(verb which) {
  constexpr std::array<std::string_view, 4> names{"handshake", "read", "write", "shutdown"};
  return names.at(static_cast<std::size_t>(which));
}

std::vector<fault_case> const& all_cases() {
  static std::vector<fault_case> const made = case_list().make();
  return made;
}

}  // namespace tls_async::test
