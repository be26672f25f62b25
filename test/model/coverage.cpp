// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "coverage.hpp"

#include <algorithm>

#include <tls_async_test/deeds.hpp>
#include "settings.hpp"

namespace tls_async::test::model {
namespace {

std::string told_of(std::map<std::string, std::size_t> const& all) {
  auto const tried = std::count_if(all.begin(), all.end(), [](auto const& e) { return e.second; });
  return std::to_string(tried) + " of " + std::to_string(all.size());
}

}  // namespace

coverage::coverage() {
  for (std::size_t i = 0; i != acts; ++i)
    acts_[name_of(static_cast<act>(i))] = 0;
  for (row const& one : all_rows()) {
    for (value const& v : one.values)
      settings_[std::string(one.name) + ' ' + v.name] = 0;
  }
  for (std::size_t i = 0; i <= verbs; ++i) {
    std::string const verb = i == verbs ? "nothing" : name_of(static_cast<act>(i));
    for (act const said :
         {act::peer_says, act::peer_closes, act::peer_renews, act::peer_renegotiates})
      meetings_[verb + " x " + name_of(said)] = 0;
    for (deed const& one : all_deeds())
      meetings_[verb + " x " + one.name] = 0;
  }
}

void coverage::count(script const& of) {
  ++scripts_;
  for (row const& one : all_rows())
    ++settings_[std::string(one.name) + ' ' + chosen(of, one.name).name];
}

void coverage::count(event const& verb) {
  ++forms_[name_of(verb.what) + ' ' + name_of(verb.buffers) + ' ' + name_of(verb.told)];
}

std::string coverage::summary() const {
  std::string text = std::to_string(scripts_) + " scripts: acts " + told_of(acts_) + ", verbs in " +
                     std::to_string(forms_.size()) + " forms, verbs x peer acts " +
                     told_of(meetings_) + ", settings " + told_of(settings_);
  auto const tell = [&text](char const* what, table const& all) {
    text.append("; ").append(what);
    for (auto const& [name, times] : all)
      text.append(text.ends_with(what) ? " " : ", ").append(name).append(" ") +=
          std::to_string(times);
  };
  tell("results", results_);
  tell("compared with", comparisons_);
  return text;
}

std::string coverage::never() const {
  std::string text;
  auto const tell = [&text](char const* what, table const& all) {
    constexpr std::size_t most = 30;
    std::size_t missed = 0;
    std::string names;
    for (auto const& [name, times] : all) {
      if (times == 0 && ++missed <= most) names.append(names.empty() ? "" : ", ").append(name);
    }
    if (missed > most) names.append(" and " + std::to_string(missed - most) + " more");
    if (missed != 0) text.append("never: ").append(what).append(": ").append(names).append("\n");
  };
  tell("acts", acts_);
  tell("settings", settings_);
  tell("verbs x peer acts", meetings_);
  return text;
}

}  // namespace tls_async::test::model
