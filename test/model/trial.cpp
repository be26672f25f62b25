// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "trial.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>

#include <tls_async_test/deeds.hpp>
#include "fuzz/repeatable_random.hpp"

namespace tls_async::test::model {
namespace {

char const* name_of(kind which) {
  constexpr std::array names{"ours", "Asio's", "bare OpenSSL", "OpenSSL on a blocking descriptor"};
  return names.at(static_cast<std::size_t>(which));
}

bool has(script const& which, act what) {
  return std::ranges::any_of(which.events, [what](event const& one) { return one.what == what; });
}

bool does(script const& which, bool (*fits)(std::string_view deed)) {
  return std::ranges::any_of(which.events, [fits](event const& one) {
    return one.what == act::peer_does && fits(all_deeds().at(one.n % all_deeds().size()).name);
  });
}

bool are(verdict a, verdict b, verdict one, verdict other) {
  return (a == one && b == other) || (a == other && b == one);
}

/// Ours, against another subject's: in the handshake, or behind it.
struct difference {
  char const* page;  ///< Where it stands.
  bool (*fits)(script const& which, verdict ours, kind other, verdict its, bool in_handshake);
};
constexpr std::array documented{
    // A close_notify inside the handshake is no end, but stream_truncated.
    difference{"docs/migration.md",
               [](script const&, verdict ours, kind, verdict its, bool in_handshake) {
                 return in_handshake && ours == verdict::truncated && its == verdict::end;
               }},
    // What a peer may ask for again and again has a limit.
    difference{"options.hpp", [](script const&, verdict ours, kind, verdict,
                                 bool) { return ours == verdict::limit; }},
    // If anything has come behind close_notify, Asio doesn't believe in it.
    difference{"boost/asio/ssl/detail/impl/engine.ipp, map_error_code",
               [](script const&, verdict ours, kind other, verdict its, bool) {
                 return other == kind::asio && ours == verdict::end && its == verdict::truncated;
               }},
    // An end without close_notify is stream_truncated whatever is set; OpenSSL can be told to take
    // it for one with (SSL_CTX_set_options(3)).
    difference{"docs/migration.md",
               [](script const& which, verdict ours, kind other, verdict its, bool) {
                 return other != kind::asio && ours == verdict::truncated && its == verdict::end &&
                        is_chosen(which, "options", "ignore_unexpected_eof");
               }},
    // Where a step of the handshake has output and meets a close_notify behind it, Asio sends that
    // and tries again, and so reads what stands behind the end.
    difference{"boost/asio/ssl/detail/impl/engine.ipp, perform",
               [](script const& which, verdict ours, kind other, verdict its, bool in_handshake) {
                 return in_handshake && other == kind::asio && ours == verdict::truncated &&
                        its == verdict::protocol && does(which, [](std::string_view deed) {
                          return deed.starts_with("close_notify");
                        });
               }},
    // Without SSL_MODE_AUTO_RETRY OpenSSL answers WANT_READ where there is more, and Asio then
    // waits
    // for the transport before it looks: at the end of that it knows of no more than the end.
    difference{"boost/asio/ssl/detail/io.hpp, want_input_and_retry",
               [](script const& which, verdict, kind other, verdict its, bool) {
                 return other == kind::asio && its == verdict::truncated &&
                        is_chosen(which, "modes", "no_auto_retry");
               }},
    // Behind user_canceled OpenSSL has no reason for a close_notify of level fatal, which Asio
    // takes
    // for a failure of the transport.
    difference{"SSL_get_error(3)",
               [](script const& which, verdict ours, kind other, verdict its, bool) {
                 return other == kind::asio && ours == verdict::end && its == verdict::transport &&
                        std::ranges::any_of(which.events, [](event const& one) {
                          return one.what == act::peer_does &&
                                 all_deeds().at(one.n % all_deeds().size()).name == "user_canceled";
                        });
               }},
    // Behind a close_notify of ours OpenSSL passes over messages of a handshake, and Asio has no
    // verb that sends one and reads on.
    difference{"SSL_shutdown(3)",
               [](script const& which, verdict ours, kind other, verdict its, bool) {
                 return other == kind::asio && ours == verdict::end && its == verdict::protocol &&
                        std::ranges::any_of(which.events, [](event const& one) {
                          return one.what == act::close_write;
                        });
               }},
    // Behind a close_notify of ours OpenSSL passes over messages of a handshake, and in the middle
    // of one it refuses to send any (SSL_shutdown(3)). A verb of ours goes when what has come was
    // not read yet, and is refused before there is a session, where the others' wait for that.
    difference{"SSL_shutdown(3)",
               [](script const& which, verdict ours, kind, verdict its, bool in_handshake) {
                 return !in_handshake && are(ours, its, verdict::end, verdict::protocol) &&
                        has(which, act::close_write) && has(which, act::peer_does);
               }},
    // A KeyUpdate with a request has an answer, which stands behind half a message, or that is read
    // first and the request is not sent: it depends on the time.
    difference{"RFC 8446 section 5.1",
               [](script const& which, verdict ours, kind, verdict its, bool in_handshake) {
                 return !in_handshake && are(ours, its, verdict::end, verdict::protocol) &&
                        has(which, act::key_update) && does(which, [](std::string_view deed) {
                          return deed.starts_with("half ") || deed == "two bytes of a message";
                        });
               }},
    // A peer of OpenSSL's ends the session when its HelloRequest is refused: that is told, or what
    // it had said before that, or broken behind it, by how much one has read by then.
    difference{"RFC 5246 section 7.4.1.1",
               [](script const& which, verdict ours, kind, verdict its, bool in_handshake) {
                 bool const is_alert = ours == verdict::alert || its == verdict::alert;
                 verdict const rest = ours == verdict::alert ? its : ours;
                 return !in_handshake && is_alert && !is_tls1_3(which) &&
                        (rest == verdict::end || rest == verdict::protocol) &&
                        does(which, [](std::string_view deed) { return deed == "HelloRequest"; });
               }},
    // An alert that finds a descriptor full leaves with the next record (ssl3_send_alert of OpenSSL
    // 3.0). If none follows, the peer is not told that its HelloRequest was refused.
    difference{"SSL_OP_NO_RENEGOTIATION in SSL_CTX_set_options(3)",
               [](script const& which, verdict ours, kind, verdict its, bool in_handshake) {
                 return !in_handshake && ours == verdict::truncated && its == verdict::alert &&
                        !is_tls1_3(which) && is_chosen(which, "next_layer", "socket") &&
                        has(which, act::peer_renegotiates);
               }},
    // Ours refuses a shutdown before there is a session. Asio's begins behind the handshake, and a
    // second handshake meets the end that it has made.
    difference{"docs/errors.md",
               [](script const& which, verdict ours, kind other, verdict its, bool in_handshake) {
                 auto const end = which.events.end();
                 auto const shutdown = std::ranges::find(which.events, act::shutdown, &event::what);
                 return in_handshake && other == kind::asio && ours == verdict::success &&
                        its == verdict::end && std::any_of(shutdown, end, [](event const& one) {
                          return one.what == act::handshake;
                        });
               }},
};

std::string compare(script const& which, outcome const& ours, kind other, outcome const& its) {
  auto const differ = [&](char const* what, verdict a, verdict b, bool in_handshake) {
    bool const may = a == b || std::ranges::any_of(documented, [&](auto const& d) {
                       return d.fits(which, a, other, b, in_handshake);
                     });
    return may ? std::string() : std::string(what) + ": " + name_of(a) + ", and not " + name_of(b);
  };
  // Who returns has not come so far as who waits when the peer does something.
  if (ours.waited_in_handshake != its.waited_in_handshake && has(which, act::peer_does)) return {};
  // Asio's loses what it had taken from OpenSSL for a blocking handshake that found no room
  // (boost/asio/ssl/detail/io.hpp: asio::write of get_output()), also if another one follows.
  if (other == kind::asio && its.waited_in_handshake && its.negotiated != verdict::success)
    return {};
  // A first verb that fails to negotiate says it in its own result, also behind a blocking
  // handshake that would have had to wait.
  auto const waits = [](outcome const& one) { return one.negotiated == verdict::waits; };
  if (ours.negotiated != verdict::none && !waits(ours) && !waits(its)) {
    auto const wrong = differ("the handshake", ours.negotiated, its.negotiated, true);
    if (!wrong.empty()) return wrong;
  }
  // In a renegotiation it depends on the time at which one looks.
  bool const may_be_resumed = ours.negotiated == verdict::success &&
                              its.negotiated == verdict::success && !renegotiates(which);
  if (may_be_resumed && ours.is_resumed != its.is_resumed)
    return ours.is_resumed ? "the session is resumed" : "the session is not resumed";
  if (ours.discarded || its.discarded) return {};
  bool const in_handshake = ours.negotiated != verdict::success;
  if (auto const wrong = differ("the end", ours.end, its.end, in_handshake); !wrong.empty())
    return wrong;
  // Asio's has no verb for new keys, so that what the peer changes next is another record, and none
  // that sends a close_notify and reads on, as above.
  bool const is_another = other == kind::asio && has(which, act::peer_does) &&
                          (has(which, act::key_update) || has(which, act::close_write));
  // Nor does it look for more behind a ticket, as above, where both are told of the same end.
  bool const looks_late = other == kind::asio && its.end == verdict::truncated &&
                          is_chosen(which, "modes", "no_auto_retry");
  if (ours.end == its.end && ours.heard != its.heard && !is_another && !looks_late) {
    return "read " + std::to_string(ours.heard.size()) + " bytes, and not " +
           std::to_string(its.heard.size());
  }
  return {};
}

// The lowest number that is free.
int next_descriptor() {
  int const next = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  if (next != -1) ::close(next);
  return next;
}

outcome play(script const& which, kind on, outcome const& expected, coverage* counts) {
  // The same for each subject, and whatever was played before: lengths depend on it.
  restart_random();
  int const before = next_descriptor();
  outcome made;
  try {
    made = player(which, on, expected, counts).run();
  } catch (std::exception const& error) {
    made.complaint = std::string("exception: ") + error.what();
  }
  if (made.complaint.empty() && next_descriptor() != before)
    made.complaint = "a descriptor is left open";
  return made;
}

}  // namespace

finding try_script(script const& which, coverage* counts) {
  if (counts != nullptr) counts->count(which);
  script settings_alone{which.seed, which.settings, {}};
  auto const expected = play(settings_alone, kind::bare, {}, nullptr);
  auto const ours = play(which, kind::ours, expected, counts);
  if (!ours.complaint.empty()) return {"ours: " + ours.complaint, ours.trace};
  if (is_disturbed(which) || ours.lacks_certificate) return {};
  for (kind const other : {kind::bare, kind::blocking, kind::asio}) {
    auto const its = play(which, other, expected, nullptr);
    std::string const name = name_of(other);
    bool const is_comparable = its.complaint.empty();
    if (counts != nullptr) {
      counts->count_comparison(name, !is_comparable                    ? "complains"
                                     : ours.discarded || its.discarded ? "handshake only"
                                     : ours.end == its.end             ? "whole"
                                                                       : "to another end");
    }
    // Nothing to compare with: told by the counts, and no finding.
    if (!is_comparable) continue;
    if (auto const wrong = compare(which, ours, other, its); !wrong.empty())
      return {"ours against " + name + ": " + wrong, ours.trace + "-- " + name + "\n" + its.trace};
  }
  return {};
}

script minimise(script found, std::function<bool(script const&)> const& still_finds) {
  auto const try_instead = [&](script shorter) {
    if (!still_finds(shorter)) return false;
    found = std::move(shorter);
    return true;
  };
  bool again = true;
  while (again) {
    again = false;
    for (std::size_t length = std::max<std::size_t>(found.events.size() / 2, 1);; length /= 2) {
      for (std::size_t at = 0; at < found.events.size();) {
        script shorter = found;
        auto const first = shorter.events.begin() + static_cast<std::ptrdiff_t>(at);
        auto const n = std::min(length, found.events.size() - at);
        shorter.events.erase(first, first + static_cast<std::ptrdiff_t>(n));
        if (try_instead(std::move(shorter))) {
          again = true;
        } else {
          at += length;
        }
      }
      if (length <= 1) break;
    }
    for (auto const& [name, value] : script(found).settings) {
      script simpler = found;
      simpler.settings.erase(name);
      again = try_instead(std::move(simpler)) || again;
    }
    // What is left as simple as can be.
    for (std::size_t i = 0; i != found.events.size(); ++i) {
      for (auto const part : {0, 1, 2, 3, 4}) {
        script simpler = found;
        event& one = simpler.events[i];
        if (part == 0) one.buffers = form::plain;
        if (part == 1) one.told = way::callback;
        if (part == 2) one.within = no_limit;
        if (part == 3) one.inside = false;
        if (part == 4 &&
            (one.what == act::write || one.what == act::read || one.what == act::peer_says))
          one.n = one.n > 100 ? 100 : one.n;
        if (simpler != found) again = try_instead(std::move(simpler)) || again;
      }
    }
  }
  return found;
}

}  // namespace tls_async::test::model
