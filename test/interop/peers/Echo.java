// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Echo server VERSION CERTIFICATE KEY: sends back what comes.
// Echo client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
// With jdk.tls.keyLimits set low, Java changes its keys, and asks for new ones, every so many bytes.
import java.io.*;
import java.net.InetAddress;
import java.nio.file.*;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.*;

public class Echo {
    static KeyStore emptyStore() throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        return store;
    }

    static Certificate certificate(String path) throws Exception {
        try (InputStream file = new FileInputStream(path)) {
            return CertificateFactory.getInstance("X.509").generateCertificate(file);
        }
    }

    static void serve(String version, String certificatePath, String keyPath) throws Exception {
        Certificate certificate = certificate(certificatePath);
        String text = Files.readString(Path.of(keyPath)).replaceAll("-----[A-Z ]*-----", "");
        PrivateKey key = KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(text)));
        KeyStore store = emptyStore();
        store.setKeyEntry("key", key, new char[0], new Certificate[] {certificate});
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
        listener.setEnabledProtocols(new String[] {version});
        while (true) {
            SSLSocket socket = (SSLSocket) listener.accept();
            new Thread(() -> {
                try (socket) {
                    socket.getInputStream().transferTo(socket.getOutputStream());
                } catch (IOException lost) {
                    System.err.println(lost);
                }
            }).start();
        }
    }

    static void talk(String version, int port, String authority) throws Exception {
        KeyStore store = emptyStore();
        store.setCertificateEntry("authority", certificate(authority));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
            socket.setEnabledProtocols(new String[] {version});
            socket.startHandshake();
            Thread writer = new Thread(() -> {
                try {
                    System.in.transferTo(socket.getOutputStream());
                    socket.shutdownOutput();
                } catch (IOException lost) {
                    throw new UncheckedIOException(lost);
                }
            });
            writer.setDaemon(true);
            writer.start();
            byte[] place = new byte[65536];
            for (int n; (n = socket.getInputStream().read(place)) >= 0;) {
                System.out.write(place, 0, n);
                System.out.flush();
            }
        }
    }

    public static void main(String[] given) throws Exception {
        String version = "TLSv" + given[1];
        if (given[0].equals("client")) {
            talk(version, Integer.parseInt(given[2]), given[3]);
        } else {
            serve(version, given[2], given[3]);
        }
    }
}
