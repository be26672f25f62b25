// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The list of addresses, under one lock.
#include "backends.hpp"

#include "serving/server_log.hpp"

#include <algorithm>
#include <cstdint>
#include <sstream>

namespace tls_proxy {

using boost::asio::ip::tcp;

constexpr unsigned most_doublings = 5;

struct backends::backend {
  backend(backend_name const& n, std::function<void(std::string_view)> const& report,
          backend_addresses::settings const& how)
      : name(n), addresses(name, report, how) {}

  backend_name name;
  backend_addresses addresses;
  std::shared_ptr<endpoints const> known;  // of which there is a list
  std::uint64_t connections = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
};

struct backends::address {
  backend& of;
  tcp::endpoint endpoint;
  std::size_t connections = 0;
  unsigned failures = 0;  // since it answered last, one for each time that it was passed over
  clock::time_point passed_over_until{};
  bool is_asked = false;  // by the one who finds out whether it answers again
};

backends::backends(std::vector<backend_name> const& names,
                   std::function<void(std::string_view)> report, settings how)
    : report_(std::move(report)), how_(std::move(how)) {
  for (auto const& name : names)
    backends_.push_back(std::make_unique<backend>(name, report_, how_.names));
  refresh();
}

backends::~backends() = default;

// What has been resolved anew. An address that stays keeps what is known of it.
void backends::refresh() {
  auto const is_new = [](auto const& one) { return one->addresses.current() != one->known; };
  if (std::none_of(backends_.begin(), backends_.end(), is_new)) return;
  std::vector<std::shared_ptr<address>> all;
  for (auto const& one : backends_) {
    one->known = one->addresses.current();
    for (auto const& endpoint : *one->known) {
      auto const is_same = [&](auto const& other) {
        return &other->of == one.get() && other->endpoint == endpoint;
      };
      if (std::any_of(all.begin(), all.end(), is_same)) continue;
      auto const known = std::find_if(addresses_.begin(), addresses_.end(), is_same);
      all.push_back(known != addresses_.end() ? *known
                                              : std::make_shared<address>(address{*one, endpoint}));
    }
  }
  addresses_ = std::move(all);
}

std::optional<backends::choice> backends::choose(std::vector<choice> const& tried) {
  std::lock_guard const lock{mutex_};
  refresh();
  auto const now = how_.now();
  auto const rank = [now](address const& one) {
    bool const is_passed_over = one.failures != 0 && (one.is_asked || now < one.passed_over_until);
    return std::pair(is_passed_over ? one.passed_over_until : clock::time_point(), one.connections);
  };
  std::shared_ptr<address> best;
  std::size_t const count = addresses_.size(), first = next_;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t const place = (first + i) % count;
    auto const& one = addresses_[place];
    bool const was_tried = std::any_of(tried.begin(), tried.end(),
                                       [&](auto const& other) { return other.one_ == one; });
    if (was_tried || (best && rank(*best) <= rank(*one))) continue;
    best = one;
    next_ = place + 1;
  }
  if (!best) return std::nullopt;
  bool const finds_out = best->failures != 0 && !best->is_asked && now >= best->passed_over_until;
  if (finds_out) best->is_asked = true;  // others don't wait
  ++best->connections;
  ++best->of.connections;
  return std::optional<choice>(std::in_place, *this, std::move(best), finds_out);
}

std::string backends::text_of_address(address const& one) {
  auto const host = one.endpoint.address().to_string();
  auto const name = text_of(one.of.name);
  return host == one.of.name.host ? name : name + " (" + host + ')';
}

// Longer each time, or with few clients each of them would be the one that finds out.
backends::clock::duration backends::pause_of(address const& one) const {
  return how_.pause * (1U << std::min(one.failures - 1, most_doublings));
}

void backends::answered(choice& of_it) {
  auto& one = *of_it.one_;
  bool was_failed = false;
  {
    std::lock_guard const lock{mutex_};
    ++one.of.answered;
    one.is_asked = of_it.finds_out_ = false;
    was_failed = std::exchange(one.failures, 0U) != 0 && addresses_.size() > 1;
  }
  if (was_failed) report_(text_of_address(one) + " answers again");
}

// Of the clients that one outage meets, one counts: who was connecting when it began, or was sent
// there since no other answers, finds out nothing new.
void backends::failed(choice& of_it, std::string_view why) {
  auto& one = *of_it.one_;
  bool is_first = false;
  {
    std::lock_guard const lock{mutex_};
    ++one.of.failed;
    is_first = one.failures == 0 && addresses_.size() > 1;
    if (one.failures == 0 || of_it.finds_out_) ++one.failures;
    one.passed_over_until = how_.now() + pause_of(one);
    end(of_it);
  }
  if (is_first) report_(text_of_address(one) + " is passed over: " + std::string(why));
}

void backends::end(choice& of_it) noexcept {
  if (!std::exchange(of_it.counts_, false)) return;
  auto& one = *of_it.one_;
  if (of_it.finds_out_) one.is_asked = false;
  --one.connections;
  --one.of.connections;
}

std::string backends::metrics() const {
  std::lock_guard const lock{mutex_};
  std::ostringstream out;
  auto const write = [&](std::string const& name, char const* type, char const* help,
                         auto const& value_of) {
    out << "# HELP tls_async_backend_" << name << ' ' << help << "\n# TYPE tls_async_backend_"
        << name << ' ' << type << '\n';
    for (auto const& one : backends_) {
      std::string label;
      serving::append_value(label, text_of(one->name), serving::log_format::json, false);
      out << "tls_async_backend_" << name << "{backend=" << label << "} " << value_of(*one) << '\n';
    }
  };
  write("connections", "gauge", "Connections to it, those that begin included.",
        [](backend const& one) { return one.connections; });
  write("connects_total", "counter", "Connections to it that were made.",
        [](backend const& one) { return one.answered; });
  write("failures_total", "counter", "Connections to it that could not be made.",
        [](backend const& one) { return one.failed; });
  write("passed_over", "gauge", "Addresses of it that failed last.", [&](backend const& one) {
    return std::count_if(addresses_.begin(), addresses_.end(), [&](auto const& each) {
      return &each->of == &one && each->failures != 0;
    });
  });
  return out.str();
}

backends::choice::~choice() {
  if (!one_) return;
  std::lock_guard const lock{of_->mutex_};
  of_->end(*this);
}

tcp::endpoint const& backends::choice::endpoint() const { return one_->endpoint; }

backend_name const& backends::choice::name() const { return one_->of.name; }

std::string backends::choice::text() const { return text_of_address(*one_); }

void backends::choice::answered() { of_->answered(*this); }

void backends::choice::failed(std::string_view why) { of_->failed(*this, why); }

}  // namespace tls_proxy
