// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// echo server VERSION CERTIFICATE KEY: sends back what comes.
// echo client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
// echo resume VERSION PORT AUTHORITY ROUNDS: that many connections, and prints how many resumed a session.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func serve(settings *tls.Config, certificate, key string) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	must(err)
	settings.Certificates = []tls.Certificate{pair}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", settings)
	must(err)
	for {
		connection, err := listener.Accept()
		must(err)
		go func(connection net.Conn) {
			if _, err := io.Copy(connection, connection); err != nil {
				log.Print(err)
			}
			connection.Close()
		}(connection)
	}
}

func trust(settings *tls.Config, authority string) {
	certificate, err := os.ReadFile(authority)
	must(err)
	settings.RootCAs = x509.NewCertPool()
	settings.RootCAs.AppendCertsFromPEM(certificate)
	settings.ServerName = "localhost"
}

func talk(settings *tls.Config, port string) {
	connection, err := tls.Dial("tcp", "127.0.0.1:"+port, settings)
	must(err)
	go func() {
		_, err := io.Copy(connection, os.Stdin)
		must(err)
		must(connection.CloseWrite())
	}()
	_, err = io.Copy(os.Stdout, connection)
	must(err)
	connection.Close()
}

func resume(settings *tls.Config, port, rounds string) {
	number, err := strconv.Atoi(rounds)
	must(err)
	settings.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	resumed := 0
	for at := 0; at < number; at++ {
		connection, err := tls.Dial("tcp", "127.0.0.1:"+port, settings)
		must(err)
		_, err = connection.Write([]byte("a"))
		must(err)
		_, err = io.ReadFull(connection, make([]byte, 1))
		must(err)
		if connection.ConnectionState().DidResume {
			resumed++
		}
		connection.Close()
	}
	fmt.Printf("resumed %d of %d\n", resumed, number)
}

func main() {
	version := uint16(tls.VersionTLS13)
	if os.Args[2] == "1.2" {
		version = tls.VersionTLS12
	}
	settings := &tls.Config{MinVersion: version, MaxVersion: version}
	switch os.Args[1] {
	case "client":
		trust(settings, os.Args[4])
		talk(settings, os.Args[3])
	case "resume":
		trust(settings, os.Args[4])
		resume(settings, os.Args[3], os.Args[5])
	default:
		serve(settings, os.Args[3], os.Args[4])
	}
}
