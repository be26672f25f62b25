// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From a request to the header that is sent and the part of the file that follows it.
#include "reply.hpp"

#include "temporary_directory.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

#include <sys/stat.h>

namespace https_server {
namespace {

using http::field;
using http::status;
using http::verb;

using request = http::request<http::empty_body>;

struct site {
  site() : files((directory.write("a.txt", "0123456789"), directory.path())) {
    directory.write("empty", "");
    std::filesystem::create_directory(directory.path() / "dir");
  }

  static request make(verb method, std::string const& target) {
    request made{method, target, 11};
    made.set(field::host, "localhost");
    return made;
  }

  reply ask(request const& asked) const { return answer(asked, files, true); }
  reply get(std::string const& target) const { return ask(make(verb::get, target)); }
  reply get_range(std::string const& range, std::string const& target = "/a.txt") const {
    auto asked = make(verb::get, target);
    asked.set(field::range, range);
    return ask(asked);
  }

  temporary_directory directory;
  static_files files;
};

// The header as a client reads it.
http::response_header<> read(reply const& sent) {
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  boost::beast::error_code error;
  auto const text = text_of(sent.header);
  auto const used = parser.put(boost::asio::buffer(text), error);
  BOOST_TEST(!error, error.message());
  BOOST_TEST(used == text.size());
  BOOST_TEST(parser.is_header_done());
  return parser.release().base();
}

BOOST_FIXTURE_TEST_SUITE(reply_to_a_request, site)

BOOST_AUTO_TEST_CASE(has_the_file_and_describes_it) {
  auto const sent = get("/a.txt");
  auto const header = read(sent);
  BOOST_TEST(header.result() == status::ok);
  BOOST_TEST(header[field::content_length] == "10");
  BOOST_TEST(header[field::content_type] == "text/plain; charset=utf-8");
  BOOST_TEST(header[field::accept_ranges] == "bytes");
  BOOST_TEST(header[field::etag] == sent.file->tag());
  BOOST_TEST(header[field::last_modified].ends_with(" GMT"));
  BOOST_TEST(header[field::date].size() == std::string("Sun, 06 Nov 1994 08:49:37 GMT").size());
  BOOST_TEST(sent.file != nullptr);
  BOOST_TEST((sent.part == byte_range{0, 10}));
  BOOST_TEST(sent.text.empty());
}

BOOST_AUTO_TEST_CASE(has_no_body_for_head_but_the_same_header) {
  for (auto const* target : {"/a.txt", "/none", "/dir"}) {
    auto const sent = ask(make(verb::head, target));
    auto header = read(sent);
    auto expected = read(get(target));
    header.erase(field::date);
    expected.erase(field::date);
    BOOST_TEST(header[field::content_length] == expected[field::content_length]);
    BOOST_TEST(header.result() == expected.result());
    BOOST_TEST(!sent.file);
    BOOST_TEST(sent.text.empty());
    BOOST_TEST(sent.part.length == 0u);
  }
}

BOOST_AUTO_TEST_CASE(refuses_other_methods_and_says_which_are_allowed) {
  for (auto const method : {verb::post, verb::put, verb::delete_, verb::options, verb::unknown}) {
    auto asked = make(verb::get, "/a.txt");
    if (method == verb::unknown)
      asked.method_string("BREW");
    else
      asked.method(method);
    auto const header = read(ask(asked));
    BOOST_TEST(header.result() == status::method_not_allowed);
    BOOST_TEST(header[field::allow] == "GET, HEAD");
  }
}

BOOST_AUTO_TEST_CASE(has_the_part_that_was_asked_for) {
  auto const sent = get_range("bytes=2-5");
  auto const header = read(sent);
  BOOST_TEST(header.result() == status::partial_content);
  BOOST_TEST(header[field::content_range] == "bytes 2-5/10");
  BOOST_TEST(header[field::content_length] == "4");
  BOOST_TEST((sent.part == byte_range{2, 4}));
}

BOOST_AUTO_TEST_CASE(has_the_end_of_the_file_for_a_suffix) {
  auto const sent = get_range("bytes=-3");
  BOOST_TEST(read(sent)[field::content_range] == "bytes 7-9/10");
  BOOST_TEST((sent.part == byte_range{7, 3}));
}

BOOST_AUTO_TEST_CASE(tells_the_size_when_the_range_is_beyond_it) {
  for (auto const* target : {"/a.txt", "/empty"}) {
    auto const sent = get_range("bytes=10-", target);
    auto const header = read(sent);
    BOOST_TEST(header.result() == status::range_not_satisfiable);
    BOOST_TEST(header[field::content_range] ==
               (target == std::string("/empty") ? "bytes */0" : "bytes */10"));
    BOOST_TEST(!sent.file);
    BOOST_TEST(header[field::content_length] == std::to_string(sent.text.size()));
  }
}

BOOST_AUTO_TEST_CASE(is_whole_for_several_ranges_and_for_head) {
  BOOST_TEST(get_range("bytes=0-1,3-4").status == status::ok);
  auto asked = make(verb::head, "/a.txt");
  asked.set(field::range, "bytes=0-1");
  auto const header = read(ask(asked));
  BOOST_TEST(header.result() == status::ok);
  BOOST_TEST(header[field::content_length] == "10");
}

BOOST_AUTO_TEST_CASE(is_a_part_only_of_the_version_the_client_knows) {
  auto asked = make(verb::get, "/a.txt");
  asked.set(field::range, "bytes=0-1");
  asked.set(field::if_range, get("/a.txt").file->tag());
  BOOST_TEST(ask(asked).status == status::partial_content);
  asked.set(field::if_range, "\"another\"");
  BOOST_TEST(ask(asked).status == status::ok);
  asked.set(field::if_range, "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(ask(asked).status == status::ok);
}

BOOST_AUTO_TEST_CASE(is_whole_when_another_version_has_the_length_and_the_time) {
  auto const file = directory.path() / "a.txt";
  auto const time = std::filesystem::last_write_time(file);
  auto const before = get("/a.txt").file;
  auto const known = before->tag();
  for (struct stat status{}; ::stat(file.c_str(), &status) == 0 && before->is_of(status);) {
    directory.write("a.txt", "abcdefghij");  // until the file system's clock has moved
    std::filesystem::last_write_time(file, time);
  }
  auto part = make(verb::get, "/a.txt");
  part.set(field::range, "bytes=0-1");
  part.set(field::if_range, known);
  BOOST_TEST(ask(part).status == status::ok);
  auto copy = make(verb::get, "/a.txt");
  copy.set(field::if_none_match, known);
  BOOST_TEST(ask(copy).status == status::ok);
}

BOOST_AUTO_TEST_CASE(is_short_for_a_client_whose_copy_is_good) {
  for (auto const method : {verb::get, verb::head}) {
    auto asked = make(method, "/a.txt");
    asked.set(field::if_none_match, get("/a.txt").file->tag());
    asked.set(field::range, "bytes=10-");  // judged last, so not at all
    auto const sent = ask(asked);
    auto const header = read(sent);
    BOOST_TEST(header.result() == status::not_modified);
    BOOST_TEST(header[field::etag] == get("/a.txt").file->tag());
    BOOST_TEST(header.count(field::date) == 1u);
    for (auto const absent : {field::content_length, field::content_type, field::last_modified,
                              field::content_range, field::connection})
      BOOST_TEST(!header.count(absent), absent);
    BOOST_TEST(!sent.file);
    BOOST_TEST(sent.text.empty());
    BOOST_TEST(sent.keep_alive);
  }
}

BOOST_AUTO_TEST_CASE(is_whole_for_a_client_whose_copy_is_old) {
  auto asked = make(verb::get, "/a.txt");
  asked.set(field::if_none_match, "\"another\"");
  asked.set(field::if_modified_since, "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST((ask(asked).part == byte_range{0, 10}));
}

BOOST_AUTO_TEST_CASE(refuses_a_client_that_asked_for_another_version) {
  for (auto const method : {verb::get, verb::head}) {
    auto asked = make(method, "/a.txt");
    asked.set(field::if_match, "\"another\"");
    asked.set(field::range, "bytes=0-1");
    auto const sent = ask(asked);
    auto const header = read(sent);
    BOOST_TEST(header.result() == status::precondition_failed);
    BOOST_TEST(header[field::etag] == get("/a.txt").file->tag());
    BOOST_TEST(header[field::content_type] == "text/plain; charset=utf-8");
    BOOST_TEST(sent.text == (method == verb::get ? "412 Precondition Failed\n" : ""));
    BOOST_TEST(!sent.file);
    BOOST_TEST(sent.keep_alive);
  }
}

BOOST_AUTO_TEST_CASE(has_no_conditions_where_there_is_no_file) {
  for (auto const* target : {"/none", "/dir", "/%"}) {
    auto asked = make(verb::get, target);
    asked.set(field::if_match, "\"another\"");
    asked.set(field::if_none_match, "*");
    BOOST_TEST(ask(asked).status == get(target).status);
  }
}

BOOST_AUTO_TEST_CASE(redirects_to_a_directory) {
  auto const header = read(get("/dir"));
  BOOST_TEST(header.result() == status::moved_permanently);
  BOOST_TEST(header[field::location] == "/dir/");
}

BOOST_AUTO_TEST_CASE(says_in_words_what_went_wrong) {
  auto const sent = get("/none");
  auto const header = read(sent);
  BOOST_TEST(sent.text == "404 Not Found\n");
  BOOST_TEST(header[field::content_length] == std::to_string(sent.text.size()));
  BOOST_TEST(sent.keep_alive);
}

BOOST_AUTO_TEST_CASE(needs_exactly_one_host_since_http_1_1) {
  auto asked = make(verb::get, "/a.txt");
  asked.insert(field::host, "localhost");
  BOOST_TEST(ask(asked).status == status::bad_request);
  asked.erase(field::host);
  BOOST_TEST(ask(asked).status == status::bad_request);
  asked.version(10);
  BOOST_TEST(ask(asked).status == status::ok);
}

BOOST_AUTO_TEST_CASE(needs_a_host_that_may_be_one) {
  auto asked = make(verb::get, "/a.txt");
  for (auto const* host :
       {"localhost", "localhost:8443", "127.0.0.1", "[::1]:0", "a.example:", ""}) {
    asked.set(field::host, host);
    BOOST_TEST(ask(asked).status == status::ok, host);
  }
  for (auto const* host :
       {"a b", "<x>", "[::1", "::1", "a/b", "a@b", "a:b", "a:65536", "a, b", "\\"}) {
    asked.set(field::host, host);
    for (unsigned const version : {10u, 11u}) {
      asked.version(version);
      BOOST_TEST(ask(asked).status == status::bad_request, host);
    }
  }
}

BOOST_AUTO_TEST_CASE(keeps_the_connection_or_says_that_it_ends) {
  auto asked = make(verb::get, "/a.txt");
  BOOST_TEST(!read(answer(asked, files, true)).count(field::connection));
  BOOST_TEST(read(answer(asked, files, false))[field::connection] == "close");
  BOOST_TEST(!answer(asked, files, false).keep_alive);
  asked.version(10);
  BOOST_TEST(read(answer(asked, files, true))[field::connection] == "keep-alive");
}

BOOST_AUTO_TEST_CASE(to_what_could_not_be_read_ends_the_connection) {
  auto const sent = refuse(status::request_header_fields_too_large);
  auto const header = read(sent);
  BOOST_TEST(header.result() == status::request_header_fields_too_large);
  BOOST_TEST(header[field::connection] == "close");
  BOOST_TEST(!sent.keep_alive);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(reply_of_a_server_without_a_directory, site)

tls_async::session_info const session{"TLSv1.3",   "SUITE", "x25519", "http/1.1",
                                      "localhost", "",      true};

BOOST_AUTO_TEST_CASE(is_its_page_which_no_cache_may_keep) {
  for (auto const* target : {"/", "/?a=b"}) {
    auto const sent = answer_about_itself(make(verb::get, target), session, true);
    auto const header = read(sent);
    BOOST_TEST(header.result() == status::ok);
    BOOST_TEST(header[field::content_type] == "text/html; charset=utf-8");
    BOOST_TEST(header[field::cache_control] == "no-store");
    BOOST_TEST(header[field::content_length] == std::to_string(sent.text.size()));
    BOOST_TEST(sent.text.find("<td>SUITE</td>") != std::string::npos);
    BOOST_TEST(sent.keep_alive);
  }
}

BOOST_AUTO_TEST_CASE(is_a_burst_of_messages_where_they_are_asked_for) {
  auto const burst_for = [&](std::string const& query) {
    return answer_about_itself(make(verb::get, "/burst" + query), session, true);
  };
  auto const sent = burst_for("?messages=7&bytes=100");
  BOOST_TEST((sent.burst == message_burst{7, 100}));
  BOOST_TEST(read(sent)[field::content_length] == "700");
  BOOST_TEST((burst_for("?bytes=65536&messages=1000").burst == message_burst{1000, 65536}));
  for (auto const* query :
       {"", "?", "?messages=1", "?bytes=1", "?messages=0&bytes=1", "?messages=1001&bytes=1",
        "?messages=1&bytes=65537", "?messages=-1&bytes=1", "?messages=1x&bytes=1",
        "?messages=99999999999999999999&bytes=1"}) {
    BOOST_TEST(burst_for(query).status == status::bad_request, query);
    BOOST_TEST(burst_for(query).burst.messages == 0u);
  }
}

BOOST_AUTO_TEST_CASE(has_no_body_for_head) {
  for (auto const* target : {"/", "/burst?messages=1&bytes=1", "/none", "/burst"}) {
    auto const sent = answer_about_itself(make(verb::head, target), session, true);
    BOOST_TEST(sent.text.empty());
    BOOST_TEST(sent.burst.messages == 0u);
    BOOST_TEST(
        read(sent)[field::content_length] ==
        read(answer_about_itself(make(verb::get, target), session, true))[field::content_length]);
  }
}

BOOST_AUTO_TEST_CASE(refuses_all_else) {
  auto const status_of = [&](request const& asked) {
    return answer_about_itself(asked, session, true).status;
  };
  for (auto const* target : {"/none", "/index.html", "/burst/", "/ws", "/live"})
    BOOST_TEST(status_of(make(verb::get, target)) == status::not_found);
  for (auto const* target : {"", "*", "no/slash", "/%zz"})
    BOOST_TEST(status_of(make(verb::get, target)) == status::bad_request, target);
  BOOST_TEST(status_of(make(verb::post, "/")) == status::method_not_allowed);
  auto asked = make(verb::get, "/");
  asked.erase(field::host);
  BOOST_TEST(status_of(asked) == status::bad_request);
}

BOOST_FIXTURE_TEST_CASE(for_a_directory_has_names_that_are_escaped_twice, site) {
  directory.write("dir/<a href=\"x\">&'.txt", "");
  directory.write("dir/javascript:alert(1)", "");
  directory.write("dir/100% \xc3\xa4?#", "");
  static_files const browsed{directory.path(), {.browse = true}};
  auto const listed = answer(make(verb::get, "/dir/"), browsed, true);
  auto const header = read(listed);
  BOOST_TEST(header[field::content_type] == "text/html; charset=utf-8");
  BOOST_TEST(header["Content-Security-Policy"].starts_with("default-src 'none'"));
  auto const has = [&](std::string_view part) {
    return listed.text.find(part) != std::string::npos;
  };
  BOOST_TEST(has("<h1>/dir/</h1>"));
  BOOST_TEST(has("<li><a href=\"./100%25%20%C3%A4%3F%23\">100% \xc3\xa4?#</a></li>"));
  BOOST_TEST(has("<li><a href=\"./javascript%3Aalert%281%29\">javascript:alert(1)</a></li>"));
  BOOST_TEST(
      has("<li><a href=\"./%3Ca%20href%3D%22x%22%3E%26%27.txt\">"
          "&lt;a href=&quot;x&quot;&gt;&amp;'.txt</a></li>"));
  BOOST_TEST(!has("<a href=\"x\""));
  BOOST_TEST(answer(make(verb::head, "/dir/"), browsed, true).text.empty());
}

BOOST_FIXTURE_TEST_CASE(always_tells_browsers_not_to_guess_its_type, site) {
  for (auto const* target : {"/a.txt", "/none", "/dir", "*"})
    BOOST_TEST(read(get(target))["X-Content-Type-Options"] == "nosniff");
  BOOST_TEST(read(refuse(status::bad_request))["X-Content-Type-Options"] == "nosniff");
  BOOST_TEST(read(answer_about_itself(make(verb::get, "/"), {}, true))["X-Content-Type-Options"] ==
             "nosniff");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
