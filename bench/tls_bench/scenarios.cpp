// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "scenarios.hpp"

#include "server_process.hpp"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <future>
#include <stdexcept>
#include <thread>

namespace tls_async::bench {
namespace {

// Ends an accept that nobody will come to any more.
void knock(unsigned short port) {
  int const fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof(address));
  close(fd);
}

// Both sides to their end, each on a thread of its own. Metrics get the given prefixes; a side
// without one is not of interest.
sample run_pair(server_side server, std::string const& server_prefix, client_side client,
                std::string const& client_prefix, job const& work) {
  std::promise<unsigned short> port;
  auto listening = port.get_future();
  sample at_server, at_client;
  std::exception_ptr server_failed, client_failed;
  std::thread thread([&] {
    pthread_setname_np(pthread_self(), "tls_bench peer");  // So that a profile tells them apart.
    try {
      server(port, work, at_server);
    } catch (...) {
      server_failed = std::current_exception();
      try {
        port.set_exception(server_failed);
      } catch (std::future_error const&) {
        return;  // It was listening, and the client sees the connection end.
      }
    }
  });
  unsigned short number = 0;
  try {
    number = listening.get();
    client(number, work, at_client);
  } catch (...) {
    client_failed = std::current_exception();
    if (number != 0) knock(number);
  }
  thread.join();
  if (client_failed) std::rethrow_exception(client_failed);
  if (server_failed) std::rethrow_exception(server_failed);
  sample all;
  auto const add = [&all](sample const& from, std::string const& prefix) {
    if (prefix.empty()) return;
    for (auto const& [name, value] : from)
      all[name[0] == 'p' ? name : prefix + name] = value;  // Latencies are nobody's.
  };
  add(at_server, server_prefix);
  add(at_client, client_prefix);
  if (all.contains("client_cpu") && all.contains("server_cpu"))
    all["both_cpu"] = all["client_cpu"] + all["server_cpu"];
  return all;
}

struct list_of_scenarios {
  std::vector<scenario> list;

  // A side of the measured stack against that side of its peer.
  void add(scenario s, client_side stack::*client, server_side stack::*server, bool client_measured,
           bool server_measured) {
    s.can = [=](stack const& measured) {
      return (measured.*client != nullptr || !client_measured) &&
             (measured.*server != nullptr || !server_measured) &&
             stack_named(measured.peer).*client != nullptr &&
             stack_named(measured.peer).*server != nullptr;
    };
    bool const both = client_measured && server_measured;
    s.run = [=](stack const& measured, job const& work) {
      stack const& peer = stack_named(measured.peer);
      return run_pair((server_measured ? measured : peer).*server,
                      server_measured ? (both ? "server_" : "receiver_") : "",
                      (client_measured ? measured : peer).*client,
                      client_measured ? (both ? "client_" : "sender_") : "", work);
    };
    list.push_back(std::move(s));
  }
  // The measured stack serves in a process of its own.
  void add(scenario s, load load_table::*work_on) {
    bool const only_keeps = work_on == &load_table::idle;
    s.can = [=](stack const& measured) {
      return measured.serve != nullptr && (measured.serves_many_at_once || only_keeps);
    };
    s.run = [=](stack const& measured, job const& work) {
      server_process server(measured.name);
      sample result;
      (load_of(measured.peer).*work_on)(server, work, result);
      return result;
    };
    list.push_back(std::move(s));
  }
};

job smaller(job work) {
  work.messages /= 4;
  return work;
}

scenario described(std::string name, std::string what, std::string unit, job full, job smoke,
                   std::optional<job> quick) {
  return {std::move(name), std::move(what), std::move(unit), full, smoke, quick, nullptr, nullptr};
}

void add_bulk(list_of_scenarios& all) {
  struct {
    char const* name;
    std::size_t bytes;
  } const sizes[] = {{"4KiB", 4096}, {"16KiB", 16'384}, {"64KiB", 65'536}, {"1MiB", 1'048'576}};
  for (auto const& [name, bytes] : sizes) {
    job const full{(256U << 20) / bytes, bytes}, smoke{4, bytes};
    all.add(
        described(std::string("bulk_send_") + name, std::string("one writer, messages of ") + name,
                  "message", full, smoke, smaller(full)),
        &stack::send, &stack::receive, true, false);
    all.add(described(std::string("bulk_receive_") + name,
                      std::string("a receiver with 64 KiB of buffer, messages of ") + name,
                      "message", full, smoke, smaller(full)),
            &stack::send, &stack::receive, false, true);
  }
}

void add_messages(list_of_scenarios& all) {
  job const duplex{2048, 65'536};
  all.add(described("duplex_64KiB", "both sides send and receive messages of 64KiB at once",
                    "message", duplex, {4, 65'536}, smaller(duplex)),
          &stack::duplex_client, &stack::duplex_server, true, true);
  for (std::size_t const writers : {1U, 8U, 64U, 256U}) {
    job const full{131'072, 128, writers};
    all.add(
        described("writers_" + std::to_string(writers),
                  std::to_string(writers) + " coroutines write messages of 128 bytes on one "
                                            "connection; where one may write at a time, by turns",
                  "message", full, {2 * writers, 128, writers}, smaller(full)),
        &stack::write_at_once, &stack::receive, true, false);
  }
  job const header{16'384, 200 + 16'384};
  all.add(described("header_body", "one write of 200 bytes and 16 KiB in two buffers", "message",
                    header, {4, 200 + 16'384}, smaller(header)),
          &stack::send_two, &stack::receive, true, false);
  struct {
    char const* name;
    std::size_t bytes;
  } const sizes[] = {{"64B", 64}, {"4KiB", 4096}};
  for (auto const& [name, bytes] : sizes) {
    job const full{20'000, bytes};
    all.add(described(std::string("ping_pong_") + name, std::string(name) + " there and back",
                      "round trip", full, {4, bytes}, smaller(full)),
            &stack::ask, &stack::answer, true, true);
  }
  for (int const protocol : {12, 13}) {
    for (bool const resume : {false, true}) {
      job full{400};
      full.protocol = protocol;
      full.resume = resume;
      job smoke = full;
      smoke.messages = 2;
      std::string const kind = resume ? "resumed" : "full";
      all.add(described("handshake_" + kind + "_" + std::to_string(protocol),
                        kind + " handshakes of TLS 1." + std::to_string(protocol % 10) +
                            ", from connect to close, one after the other",
                        "handshake", full, smoke, smaller(full)),
              &stack::connect, &stack::accept, true, true);
    }
  }
}

// What stands behind the size of the ring, the size of a batch and the kind of BIO.
void add_sweep(list_of_scenarios& all) {
  struct {
    char const* name;
    std::size_t bytes;
  } const sizes[] = {{"64KiB", 65'536}, {"1MiB", 1'048'576}};
  for (auto const& [name, bytes] : sizes)
    all.add(described(std::string("sweep_send_") + name,
                      std::string("one writer, messages of ") + name + ", by ring, batch and BIO",
                      "message", {(128U << 20) / bytes, bytes}, {2, bytes}, std::nullopt),
            &stack::sweep_send, &stack::receive, true, false);
  all.add(described("sweep_receive",
                    "a receiver with 64 KiB of buffer, messages of 64KiB, by ring and BIO",
                    "message", {2048, 65'536}, {2, 65'536}, std::nullopt),
          &stack::send, &stack::sweep_receive, false, true);
}

void add_crowds(list_of_scenarios& all) {
  job const some{0, 0, 100};
  for (std::size_t const connections : {1'000U, 10'000U}) {
    job const full{0, 0, connections};
    all.add(described("idle_" + std::to_string(connections),
                      std::to_string(connections) +
                          " connections wait after one byte each way: bytes of the server process "
                          "for each",
                      "connection", full, some,
                      connections == 1'000 ? std::optional(full) : std::nullopt),
            &load_table::idle);
  }
  struct {
    char const* name;
    std::size_t bytes;
    std::uint64_t messages;
  } const sizes[] = {{"16KiB", 16'384, 8'192}, {"64B", 64, 20'000}};
  for (auto const& [name, bytes, messages] : sizes) {
    for (std::size_t const connections : {1U, 100U, 1'000U, 5'000U}) {
      job const full{messages, bytes, connections};
      all.add(described(std::string("growth_") + name + "_" + std::to_string(connections),
                        std::to_string(connections) + " connections at once send " + name +
                            " and get them back",
                        "message", full, {8, bytes, std::min<std::size_t>(connections, 4)},
                        connections < 1'000 && bytes > 64 ? std::optional(full) : std::nullopt),
              &load_table::grow);
    }
  }
  job const churn{2'000, 64, 8};
  all.add(described("churn", "8 clients connect, exchange 64 bytes and close, over and over",
                    "connection", churn, {8, 64, 2}, smaller(churn)),
          &load_table::churn);
  job const noisy{20'000, 64, 1'000};
  all.add(
      described("noisy_neighbour",
                "round trips of 64 bytes over 1 000 connections, 200 in a quick run, beside one "
                "that receives all it can",
                "round trip", noisy, {8, 64, 4}, job{5'000, 64, 200}),
      &load_table::noisy_neighbour);
  job const storm{500, 64, 8};
  all.add(described("handshake_storm",
                    "round trips of 64 bytes on 8 connections while 500 others shake hands",
                    "handshake", storm, {8, 64, 2}, storm),
          &load_table::handshake_storm);
}

}  // namespace

std::vector<scenario> const& scenarios() {
  static std::vector<scenario> const all = [] {
    list_of_scenarios made;
    add_bulk(made);
    add_messages(made);
    add_crowds(made);
    add_sweep(made);
    return made.list;
  }();
  return all;
}

}  // namespace tls_async::bench
