// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include <tls_async/version.hpp>

#include <openssl/crypto.h>
#include <sys/utsname.h>
#include <boost/json.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

namespace tls_async::bench {
namespace {

namespace json = boost::json;

double median_of(std::vector<double>& values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Of one metric, round by round against the first stack of the scenario.
template <class Metric>
estimate ratio(result const& r, std::size_t stack, Metric metric) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < r.samples[stack].size(); ++round) {
    double const base = metric(r.samples[0][round]);
    if (base > 0) ratios.push_back(metric(r.samples[stack][round]) / base);
  }
  return estimate_of(std::move(ratios));
}

double sender(sample const& s) { return s.sender_cpu; }
double receiver(sample const& s) { return s.receiver_cpu; }

json::object to_json(estimate const& e) {
  return {{"median", e.median}, {"low", e.low}, {"high", e.high}};
}

json::object to_json(sample const& s) {
  return {{"sender_cpu", s.sender_cpu},
          {"receiver_cpu", s.receiver_cpu},
          {"wall", s.wall},
          {"messages", s.messages},
          {"bytes", s.bytes},
          {"sends", s.sends},
          {"receives", s.receives}};
}

}  // namespace

estimate estimate_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::mt19937 random(1);  // the same interval for the same rounds
  std::uniform_int_distribution<std::size_t> pick(0, values.size() - 1);
  std::vector<double> medians(1000), drawn(values.size());
  for (double& median : medians) {
    for (double& value : drawn)
      value = values[pick(random)];
    median = median_of(drawn);
  }
  std::sort(medians.begin(), medians.end());
  return {median_of(values), medians[50], medians[949]};
}

json::object environment() {
  utsname system{};
  uname(&system);
  return {{"tls_async", std::to_string(TLS_ASYNC_VERSION_MAJOR) + "." +
                            std::to_string(TLS_ASYNC_VERSION_MINOR) + "." +
                            std::to_string(TLS_ASYNC_VERSION_PATCH)},
          {"boost", BOOST_LIB_VERSION},
          {"openssl", OpenSSL_version(OPENSSL_VERSION)},
          {"compiler", __VERSION__},
          {"kernel", system.release},
          {"cores", std::thread::hardware_concurrency()},
          {"protocol", "TLS 1.3"},
          {"cipher", "TLS_AES_128_GCM_SHA256"},
          {"group", "X25519"}};
}

void print_table(std::vector<result> const& results) {
  for (result const& r : results) {
    std::printf("%s: %s\n", r.of->name.c_str(), r.of->what.c_str());
    for (std::size_t stack = 0; stack < r.samples.size(); ++stack) {
      if (r.samples[stack].empty()) continue;
      sample const& last = r.samples[stack].back();
      auto const send = ratio(r, stack, sender), receive = ratio(r, stack, receiver);
      std::printf(
          "  %-10s %8.4f sends a message %8.2f receives a MiB   sender CPU x%.2f [%.2f, %.2f]   "
          "receiver CPU x%.2f [%.2f, %.2f]\n",
          r.of->runs[stack].stack.c_str(),
          static_cast<double>(last.sends) /
              static_cast<double>(std::max<std::uint64_t>(last.messages, 1)),
          static_cast<double>(last.receives) * 1048576.0 /
              static_cast<double>(std::max<std::uint64_t>(last.bytes, 1)),
          send.median, send.low, send.high, receive.median, receive.low, receive.high);
    }
  }
}

void write_json(std::vector<result> const& results, std::string const& file) {
  json::array list;
  for (result const& r : results) {
    json::object stacks;
    for (std::size_t stack = 0; stack < r.samples.size(); ++stack) {
      if (r.samples[stack].empty()) continue;
      json::array rounds;
      for (sample const& s : r.samples[stack])
        rounds.push_back(to_json(s));
      stacks[r.of->runs[stack].stack] = {
          {"rounds", rounds},
          {"sender_cpu_ratio", to_json(ratio(r, stack, sender))},
          {"receiver_cpu_ratio", to_json(ratio(r, stack, receiver))}};
    }
    list.push_back({{"scenario", r.of->name}, {"what", r.of->what}, {"stacks", stacks}});
  }
  // In one step, so that what was written before stays readable if we are ended in the middle.
  std::string const part = file + ".part";
  std::ofstream out(part);
  out << json::serialize(
             json::object{{"format", 1}, {"environment", environment()}, {"results", list}})
      << '\n';
  out.close();
  if (!out) throw std::runtime_error("cannot write " + part);
  std::filesystem::rename(part, file);
}

}  // namespace tls_async::bench
