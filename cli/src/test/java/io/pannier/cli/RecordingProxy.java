package io.pannier.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Passes everything on, keeps what was asked; cuts answers off and falsifies them when told to. */
final class RecordingProxy implements AutoCloseable {
  private static final Pattern LENGTH = Pattern.compile("\r\ncontent-length: (\\d+)\r\n");

  private final ServerSocket listener;
  private final int target;
  private final List<Socket> sockets = Collections.synchronizedList(new ArrayList<>());
  private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger cuts = new AtomicInteger();
  private volatile int cutAfter;
  private final List<Disguise> disguises = new CopyOnWriteArrayList<>();

  /** Text of the server that the client is to see as another of the same length. */
  private record Disguise(String real, String shown) {}

  RecordingProxy(int target) throws IOException {
    this.target = target;
    listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return "http://127.0.0.1:" + listener.getLocalPort();
  }

  /** First lines of requests so far: method and target. */
  List<String> asked() {
    synchronized (asked) {
      return List.copyOf(asked);
    }
  }

  /** Cuts the next answers off after so many bytes each. */
  void cutNext(int answers, int afterBytes) {
    cutAfter = afterBytes;
    cuts.set(answers);
  }

  /** Puts words into the server's mouth: what it calls {@code real}, the client calls shown. */
  void disguise(String real, String shown) {
    if (real.length() != shown.length()) {
      throw new IllegalArgumentException("lengths of messages would be wrong");
    }
    disguises.add(new Disguise(real, shown));
  }

  private byte[] toClient(byte[] bytes, int length) {
    String text = new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
    for (Disguise each : disguises) {
      text = text.replace(each.real(), each.shown());
    }
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private byte[] toServer(byte[] bytes, int length) {
    String text = new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
    for (Disguise each : disguises) {
      text = text.replace(each.shown(), each.real());
    }
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        Socket server = new Socket("127.0.0.1", target);
        sockets.add(client);
        sockets.add(server);
        Thread.ofVirtual().start(() -> requests(client, server));
        Thread.ofVirtual().start(() -> answers(client, server));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void requests(Socket client, Socket server) {
    try (server) {
      var in = new BufferedInputStream(client.getInputStream());
      OutputStream out = server.getOutputStream();
      for (String head = head(in); !head.isEmpty(); head = head(in)) {
        asked.add(head.substring(0, head.indexOf(" HTTP/1.1")));
        byte[] bytes = head.getBytes(StandardCharsets.ISO_8859_1);
        out.write(toServer(bytes, bytes.length));
        Matcher length = LENGTH.matcher(head.toLowerCase(Locale.ROOT));
        long left = length.find() ? Long.parseLong(length.group(1)) : 0;
        var buffer = new byte[64 * 1024];
        while (left > 0) {
          int got = in.read(buffer, 0, (int) Math.min(buffer.length, left));
          if (got < 0) {
            return;
          }
          out.write(toServer(buffer, got));
          left -= got;
        }
        out.flush();
      }
    } catch (IOException closed) {
      // One of the two has hung up.
    }
  }

  private static String head(InputStream in) throws IOException {
    var head = new ByteArrayOutputStream();
    int matched = 0;
    while (matched < 4) {
      int b = in.read();
      if (b < 0) {
        return "";
      }
      head.write(b);
      matched = b == "\r\n\r\n".charAt(matched) ? matched + 1 : b == '\r' ? 1 : 0;
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }

  private void answers(Socket client, Socket server) {
    try (client) {
      InputStream in = server.getInputStream();
      OutputStream out = client.getOutputStream();
      var buffer = new byte[64 * 1024];
      int passed = 0;
      for (int got = in.read(buffer); got >= 0; got = in.read(buffer)) {
        if (cuts.get() > 0) {
          int some = Math.max(0, Math.min(got, cutAfter - passed));
          out.write(buffer, 0, some);
          passed += some;
          if (passed >= cutAfter) {
            cuts.decrementAndGet();
            out.flush();
            return;
          }
        } else {
          out.write(toClient(buffer, got));
        }
        out.flush();
      }
    } catch (IOException closed) {
      // One of the two has hung up.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    synchronized (sockets) {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }
}
