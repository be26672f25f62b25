// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// echo server VERSION CERTIFICATE KEY: sends back what comes.
// echo client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"os"
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

func talk(settings *tls.Config, port, authority string) {
	certificate, err := os.ReadFile(authority)
	must(err)
	settings.RootCAs = x509.NewCertPool()
	settings.RootCAs.AppendCertsFromPEM(certificate)
	settings.ServerName = "localhost"
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

func main() {
	version := uint16(tls.VersionTLS13)
	if os.Args[2] == "1.2" {
		version = tls.VersionTLS12
	}
	settings := &tls.Config{MinVersion: version, MaxVersion: version}
	if os.Args[1] == "client" {
		talk(settings, os.Args[3], os.Args[4])
	} else {
		serve(settings, os.Args[3], os.Args[4])
	}
}
