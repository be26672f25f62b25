// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Names as https://prometheus.io/docs/practices/naming/ wants them.
#include "metrics.hpp"

#include "server_log.hpp"

#include <chrono>
#include <numeric>

namespace serving {
namespace {

// Of a text with bytes that are not UTF-8 Prometheus takes nothing.
std::string label(std::string_view text) {
  std::string result;
  append_value(result, text, log_format::json, false);
  return result;
}

class writer {
public:
  void begin(std::string const& name, std::string_view type, std::string_view help) {
    name_ = "tls_async_" + name;
    ((text_ += "# HELP ") += name_) += ' ';
    (text_ += help) += '\n';
    (((text_ += "# TYPE ") += name_) += ' ') += type;
    text_ += '\n';
  }
  void value(std::int64_t number, std::string_view labels = {}) {
    text_ += name_;
    if (!labels.empty()) ((text_ += '{') += labels) += '}';
    (text_ += ' ') += std::to_string(number);
    text_ += '\n';
  }
  void value(std::uint64_t number, std::string_view labels = {}) {
    value(static_cast<std::int64_t>(number), labels);
  }
  std::string const& text() const { return text_; }

private:
  std::string name_, text_;
};

std::string reason_label(std::size_t reason) {
  return "reason=\"" + std::string(to_string(static_cast<tls_async::end_reason>(reason))) + '"';
}

void write_admission(writer& out, admission_state const& state) {
  out.begin("handshakes_in_progress", "gauge", "Handshakes that have begun and are not done.");
  out.value(std::uint64_t{state.in_progress});
  out.begin("handshakes_waiting", "gauge", "Those that wait until they may begin.");
  out.value(std::uint64_t{state.waiting});
  out.begin("handshakes_waited_total", "counter", "Those that had to wait.");
  out.value(state.waited);
  out.begin("connections_turned_away_total", "counter",
            "Connections that were ended because others needed the room, by reason.");
  out.value(state.refused.address, R"(reason="address")");
  out.value(state.refused.full, R"(reason="full")");
  out.value(state.refused.silent, R"(reason="silent")");
  out.value(state.refused.slow, R"(reason="slow")");
}

// Each reason is there from the beginning: a counter that appears late has no rate at first.
void write_tls(writer& out, tls_async::counters const& of_tls) {
  auto const& client = of_tls.as_client;
  auto const& server = of_tls.as_server;
  auto const resumed = client.resumed + server.resumed;
  std::array<std::uint64_t, tls_async::end_reasons> failed{};
  for (std::size_t i = 0; i != failed.size(); ++i)
    failed[i] = client.failed[i] + server.failed[i];
  out.begin("handshakes_total", "counter", "TLS handshakes, by how they ended.");
  out.value(client.full + server.full + resumed, R"(result="done")");
  // Those that a stop has ended have not failed.
  auto const cancelled = failed[static_cast<std::size_t>(tls_async::end_reason::cancelled)];
  out.value(std::accumulate(failed.begin(), failed.end(), std::uint64_t{0}) - cancelled,
            R"(result="failed")");
  out.begin("handshakes_resumed_total", "counter", "Those that were done by a ticket of before.");
  out.value(resumed);
  out.begin("handshakes_failed_total", "counter", "Those that failed, by reason.");
  for (std::size_t i = 1; i != failed.size(); ++i)
    out.value(failed[i], reason_label(i));
  out.begin("sessions_ended_total", "counter", "TLS sessions that have ended, by reason.");
  for (std::size_t i = 0; i != tls_async::end_reasons; ++i)
    out.value(of_tls.sessions_ended[i], reason_label(i));
  auto const write_alerts = [&](std::string_view direction, auto const& alerts) {
    for (std::size_t i = 0; i != alerts.size(); ++i)
      if (alerts[i] != 0)
        out.value(alerts[i], "direction=\"" + std::string(direction) + "\",number=\"" +
                                 std::to_string(i) + '"');
  };
  out.begin("alerts_total", "counter", "TLS alerts, by their number (RFC 8446 section 6).");
  write_alerts("sent", of_tls.alerts_sent);
  write_alerts("received", of_tls.alerts_received);
}

}  // namespace

std::string metrics(server_totals const& totals, counters const& counted,
                    tls_async::counters const& of_tls,
                    std::span<certificate_end const> certificates, bool are_current) {
  writer out;
  out.begin("connections", "gauge", "Connections that are open.");
  out.value(std::uint64_t{totals.connections});
  out.begin("connections_accepted_total", "counter", "Connections that were accepted.");
  out.value(totals.accepted);
  out.begin("connections_refused_total", "counter",
            "Connections that could not be accepted or served: no descriptor, no memory.");
  out.value(totals.refused);
  write_admission(out, totals.admission);
  write_tls(out, of_tls);
  out.begin("responses_total", "counter", "HTTP responses, by the class of their status.");
  for (unsigned i = 1; i < counted.responses.size(); ++i)
    out.value(counted.responses[i], "class=\"" + std::to_string(i) + "xx\"");
  auto const& stats = totals.stats;
  out.begin("sent_bytes_total", "counter", "Bytes of TLS that were sent.");
  out.value(stats.ciphertext_flushed);
  out.begin("received_bytes_total", "counter", "Bytes of TLS that were received.");
  out.value(stats.ciphertext_filled);
  out.begin("sent_plaintext_bytes_total", "counter", "Bytes that were sealed.");
  out.value(stats.plaintext_sealed);
  out.begin("received_plaintext_bytes_total", "counter", "Bytes that were opened.");
  out.value(stats.plaintext_opened);
  out.begin("sends_total", "counter", "Writes to the sockets.");
  out.value(stats.flushes);
  out.begin("certificate_expiry_timestamp_seconds", "gauge",
            "When each certificate expires, in seconds since 1970.");
  for (auto const& one : certificates)
    out.value(static_cast<std::int64_t>(std::chrono::system_clock::to_time_t(one.expires)),
              "file=" + label(one.file.string()));
  out.begin("certificates_current", "gauge",
            "1, or 0 if their files could not be read again when they had changed.");
  out.value(std::int64_t{are_current});
  return out.text();
}

}  // namespace serving
