// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "results.hpp"

#include <tls_async/version.hpp>

#include <openssl/crypto.h>
#include <sys/utsname.h>
#include <boost/json.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

namespace tls_async::bench {
namespace {

namespace json = boost::json;

// What others are compared with, where it was run.
constexpr char const* bases[] = {"asio_ssl", "asio_ssl_newer_tuned"};

double median_of(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  std::size_t const half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}
double median_of(std::vector<sample> const& rounds, std::string const& metric) {
  std::vector<double> values;
  for (sample const& round : rounds)
    values.push_back(round.at(metric));
  return median_of(values);
}

json::object to_json(estimate const& e) {
  return {{"median", e.median}, {"low", e.low}, {"high", e.high}};
}
json::object to_json(sample const& s) {
  json::object object;
  for (auto const& [name, value] : s)
    object[name] = value;
  return object;
}

json::object to_json(result const& all, result::of_stack const& stack) {
  json::array rounds;
  for (sample const& round : stack.rounds)
    rounds.push_back(to_json(round));
  json::object object{{"rounds", rounds}, {"checked", to_json(stack.checked)}};
  if (!stack.failed.empty()) object["failed"] = stack.failed;
  if (stack.rounds.empty()) return object;
  json::object medians, ratios, taxes;
  for (auto const& [metric, unused] : stack.rounds.front()) {
    medians[metric] = median_of(stack.rounds, metric);
    if (auto const tax = transport_tax(all, stack, metric)) taxes[metric] = to_json(*tax);
  }
  for (char const* const name : bases) {
    auto const* const base = all.find(name);
    if (base == nullptr) continue;
    json::object to_base;
    for (auto const& [metric, unused] : stack.rounds.front())
      if (auto const e = ratio(stack, *base, metric)) to_base[metric] = to_json(*e);
    ratios[name] = to_base;
  }
  object["median"] = medians;
  object["ratio_to"] = ratios;
  if (!taxes.empty()) object["transport_tax"] = taxes;
  return object;
}

bool is_time(std::string const& metric) {
  return metric.ends_with("cpu") || metric.ends_with("time") || metric == "p50" || metric == "p99";
}

}  // namespace

result::of_stack const* result::find(std::string const& name) const {
  auto const found =
      std::find_if(stacks.begin(), stacks.end(), [&](of_stack const& s) { return s.name == name; });
  return found == stacks.end() ? nullptr : &*found;
}

estimate estimate_of(std::vector<double> values) {
  std::mt19937 random(1);  // The same interval for the same rounds.
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

std::optional<estimate> ratio(result::of_stack const& stack, result::of_stack const& base,
                              std::string const& metric) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(stack.rounds.size(), base.rounds.size()); ++i) {
    auto const divisor = base.rounds[i].find(metric);
    if (divisor == base.rounds[i].end() || divisor->second <= 0) return std::nullopt;
    ratios.push_back(stack.rounds[i].at(metric) / divisor->second);
  }
  if (ratios.empty()) return std::nullopt;
  return estimate_of(std::move(ratios));
}

std::optional<estimate> transport_tax(result const& all, result::of_stack const& stack,
                                      std::string const& metric) {
  auto const *const plain = all.find("tcp"), *const alone = all.find("openssl_alone");
  bool const both = plain != nullptr && alone != nullptr;
  if (!both || &stack == plain || &stack == alone || !metric.ends_with("_cpu")) return {};
  std::vector<double> taxes;
  std::size_t const rounds =
      std::min({stack.rounds.size(), plain->rounds.size(), alone->rounds.size()});
  for (std::size_t i = 0; i < rounds; ++i)
    taxes.push_back(stack.rounds[i].at(metric) /
                        (plain->rounds[i].at(metric) + alone->rounds[i].at(metric)) -
                    1);
  if (taxes.empty()) return {};
  return estimate_of(std::move(taxes));
}

json::object environment() {
  utsname system{};
  uname(&system);
  char date[] = "2000-01-01T00:00Z";
  std::time_t const now = std::time(nullptr);
  tm utc{};
  (void)std::strftime(date, sizeof(date), "%FT%RZ", gmtime_r(&now, &utc));
  json::array missing;
  for (auto const& s : unavailable_stacks())
    missing.push_back(json::object{{"name", s.name}, {"why", s.why}});
  return {{"tls_async", std::to_string(TLS_ASYNC_VERSION_MAJOR) + "." +
                            std::to_string(TLS_ASYNC_VERSION_MINOR) + "." +
                            std::to_string(TLS_ASYNC_VERSION_PATCH)},
          {"boost", BOOST_LIB_VERSION},
          {"newer_asio", newer_asio_version()},
          {"openssl", OpenSSL_version(OPENSSL_VERSION)},
          {"compiler", __VERSION__},
          {"kernel", system.release},
          {"machine", system.machine},
          {"date", date},
          {"cores", std::thread::hardware_concurrency()},
          {"protocol", "TLS 1.3 where not said otherwise"},
          {"cipher", "AES-128-GCM"},
          {"group", "X25519"},
          {"certificate", "ECDSA P-256"},
          {"unavailable", missing}};
}

// Counts first, since they do not depend on the machine, then ratios.
void print(result const& one) {
  std::printf("%s: %s; for one %s\n", one.of->name.c_str(), one.of->what.c_str(),
              one.of->unit.c_str());
  auto const* const base = one.find(bases[0]);
  for (auto const& stack : one.stacks) {
    std::printf("  %-20s", stack.name.c_str());
    for (auto const& [metric, value] : stack.checked)
      if (metric.ends_with("records") && value != 0) std::printf(" %s %.4g", metric.c_str(), value);
    sample const metrics = stack.rounds.empty() ? sample() : stack.rounds.front();
    for (bool const times : {false, true}) {
      for (auto const& [metric, value] : metrics) {
        if (is_time(metric) != times || value == 0) continue;
        std::printf("  %s", metric.c_str());
        double const median = median_of(stack.rounds, metric);
        if (!times) std::printf(" %.4g", median);
        auto const e = base != nullptr && base != &stack && (times || metric == "resident")
                           ? ratio(stack, *base, metric)
                           : std::nullopt;
        if (e) std::printf(" x%.2f [%.2f, %.2f]", e->median, e->low, e->high);
        if (!e && times) std::printf(" %.4g us", median * 1e6);
        if (auto const tax = transport_tax(one, stack, metric))
          std::printf(" tax %+.0f %%", tax->median * 100);
      }
    }
    std::printf("%s%s\n", stack.failed.empty() ? "" : "  failed: ", stack.failed.c_str());
  }
  std::fflush(stdout);
}

void write_json(std::vector<result> const& results, bool complete, std::string const& file) {
  json::array list;
  for (result const& r : results) {
    json::object stacks;
    for (auto const& stack : r.stacks)
      stacks[stack.name] = to_json(r, stack);
    list.push_back({{"name", r.of->name},
                    {"what", r.of->what},
                    {"unit", r.of->unit},
                    {"messages", r.work.messages},
                    {"message_bytes", r.work.message_bytes},
                    {"at_once", r.work.at_once},
                    {"stacks", stacks}});
  }
  std::string const part = file + ".part";
  std::ofstream out(part);
  out << json::serialize(json::object{{"format", 2},
                                      {"environment", environment()},
                                      {"complete", complete},
                                      {"scenarios", list}})
      << '\n';
  out.close();
  if (!out) throw std::runtime_error("cannot write " + part);
  std::filesystem::rename(part, file);
}

}  // namespace tls_async::bench
