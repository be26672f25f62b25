// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// EchoClient PORT AUTHORITY FILE: sends FILE to an echo server, and ends well if it comes back. With
// jdk.tls.keyLimits set low, Java changes its keys, and asks for new ones, every so many bytes.
import java.io.*;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class EchoClient {
    public static void main(String[] given) throws Exception {
        byte[] content = Files.readAllBytes(Path.of(given[2]));
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream authority = new FileInputStream(given[1])) {
            trusted.setCertificateEntry("authority",
                CertificateFactory.getInstance("X.509").generateCertificate(authority));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(null, trust.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost",
                Integer.parseInt(given[0]))) {
            socket.setEnabledProtocols(new String[] {"TLSv1.3"});
            socket.startHandshake();
            Thread writer = new Thread(() -> {
                try {
                    socket.getOutputStream().write(content);
                } catch (IOException lost) {
                    throw new UncheckedIOException(lost);
                }
            });
            writer.start();
            byte[] echo = socket.getInputStream().readNBytes(content.length);
            writer.join();
            if (!java.util.Arrays.equals(echo, content)) throw new IOException("the echo differs");
        }
    }
}
