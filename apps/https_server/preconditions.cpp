// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The lists of entity tags and the order of precedence.
#include "preconditions.hpp"

#include "http_date.hpp"

#include <optional>

namespace https_server {
namespace {

using http::field;

enum class comparison { strong, weak };  // RFC 9110, section 8.8.3.2

// Whether a list such as `"a", W/"b"` names the tag. What is no entity tag ends the list: a comma
// may stand inside of one, so there is no way to tell where the next begins.
bool names(std::string_view list, std::string_view tag, comparison how) {
  constexpr std::string_view between = " \t,";
  for (;;) {
    auto const begin = list.find_first_not_of(between);
    if (begin == std::string_view::npos) return false;
    list.remove_prefix(begin);
    bool const is_weak = list.starts_with("W/");
    if (is_weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;
    auto const end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == tag && (how == comparison::weak || !is_weak)) return true;
    list.remove_prefix(end + 1);
  }
}

// A list may be spread over several fields of its name. "*" is any version.
bool any_names(http::request_header<> const& request, field name, std::string_view tag,
               comparison how) {
  auto const [first, last] = request.equal_range(name);
  for (auto at = first; at != last; ++at)
    if (auto const list = at->value(); list == "*" || names(list, tag, how)) return true;
  return false;
}

// Nothing without the field, and for a field that is no single date: both are to be ignored.
std::optional<std::time_t> date_of(http::request_header<> const& request, field name) {
  if (request.count(name) != 1) return std::nullopt;
  return parse_http_date(request[name]);
}

}  // namespace

precondition judge(http::request_header<> const& request, validators const& current) {
  if (request.count(field::if_match) != 0) {
    if (!any_names(request, field::if_match, current.tag, comparison::strong))
      return precondition::failed;
  } else if (auto const since = date_of(request, field::if_unmodified_since);
             since && current.modified > *since) {
    return precondition::failed;
  }
  if (request.count(field::if_none_match) != 0) {
    if (any_names(request, field::if_none_match, current.tag, comparison::weak))
      return precondition::not_modified;
  } else if (auto const since = date_of(request, field::if_modified_since);
             since && current.modified <= *since) {
    return precondition::not_modified;
  }
  return precondition::met;
}

bool allows_range(http::request_header<> const& request, validators const& current) {
  auto const condition = request.find(field::if_range);
  return condition == request.end() || std::string_view(condition->value()) == current.tag;
}

}  // namespace https_server
