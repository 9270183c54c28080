package io.pannier.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.AsciiString;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An HTTP/2 client that sends exactly the frames it is told to, and shows what comes back. Reads
 * only when asked to, in the thread that asks.
 */
public final class RawH2Client implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int WINDOW_UPDATE = 8;
  static final int CONTINUATION = 9;
  static final int END_STREAM = 1;
  static final int ACK = 1;
  static final int END_HEADERS = 4;

  /** What the server says of a stream. */
  private static final class Stream {
    final List<String> informational = new ArrayList<>();
    List<String> headers = List.of();
    final ByteArrayOutputStream body = new ByteArrayOutputStream();
    boolean answered;
    boolean ended;
    int reset = -1;
    int window;
  }

  final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;
  private final DefaultHttp2HeadersEncoder encoder = new DefaultHttp2HeadersEncoder();
  private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(true, 1 << 20);
  private final Map<Integer, Stream> streams = new HashMap<>();
  private final ByteArrayOutputStream block = new ByteArrayOutputStream();

  /** Whether what arrives goes back to the windows at once. */
  boolean granting = true;

  private int nextStream = 1;
  private int window = 65_535;
  private int streamWindow = 65_535;
  private int maxStreams = Integer.MAX_VALUE;

  /** Code of the last GOAWAY, or -1. */
  int goAway = -1;

  /** Connects without TLS. */
  public RawH2Client(int port) throws IOException {
    this(plain(port, 0));
  }

  /** Speaks HTTP/2 on a connection that exists. */
  public RawH2Client(Socket socket) throws IOException {
    this.socket = socket;
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 16 << 10));
    out = socket.getOutputStream();
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    frame(SETTINGS, 0, 0, new byte[0]);
  }

  static Socket plain(int port, int receiveBuffer) throws IOException {
    var socket = new Socket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    return socket;
  }

  // ------------------------------------------------------------------------------------ out

  RawH2Client frame(int type, int flags, int stream, byte[] payload) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
    frame.putInt(payload.length << 8 | type).put((byte) flags).putInt(stream).put(payload);
    out.write(frame.array());
    out.flush();
    return this;
  }

  private byte[] encoded(int stream, String method, String path, List<String> fields)
      throws IOException {
    Http2Headers headers = new DefaultHttp2Headers(false);
    headers.method(method).scheme("http").authority("localhost").path(path);
    for (String field : fields) {
      int colon = field.indexOf(": ");
      headers.add(
          new AsciiString(field.substring(0, colon)),
          new AsciiString(field.substring(colon + 2).getBytes(StandardCharsets.ISO_8859_1)));
    }
    ByteBuf bytes = Unpooled.buffer();
    try {
      encoder.encodeHeaders(stream, headers, bytes);
    } catch (Http2Exception e) {
      throw new IOException(e);
    }
    return Arrays.copyOf(bytes.array(), bytes.writerIndex());
  }

  /** Begins a request; returns its stream. */
  public int request(String method, String path, List<String> fields, boolean end)
      throws IOException {
    int id = nextStream;
    nextStream += 2;
    var stream = new Stream();
    stream.window = streamWindow;
    streams.put(id, stream);
    byte[] all = encoded(id, method, path, fields);
    int at = Math.min(all.length, 16_384);
    frame(
        HEADERS,
        (end ? END_STREAM : 0) | (at == all.length ? END_HEADERS : 0),
        id,
        Arrays.copyOf(all, at));
    while (at < all.length) {
      int next = Math.min(all.length, at + 16_384);
      frame(
          CONTINUATION,
          next == all.length ? END_HEADERS : 0,
          id,
          Arrays.copyOfRange(all, at, next));
      at = next;
    }
    return id;
  }

  /** Room that the server leaves for a stream now. */
  int room(int id) {
    return Math.min(window, stream(id).window);
  }

  private Stream stream(int id) {
    Stream stream = streams.get(id);
    if (stream == null) {
      throw new IllegalStateException("no stream " + id);
    }
    return stream;
  }

  /** Sends a body, waiting for room; stops early when the server has answered whole. */
  public RawH2Client data(int id, byte[] bytes, boolean end) throws IOException {
    Stream stream = stream(id);
    int at = 0;
    do {
      while (at < bytes.length && room(id) <= 0) {
        if (stream.ended || stream.reset >= 0) {
          return this;
        }
        read();
      }
      int length = Math.min(16_384, Math.min(bytes.length - at, Math.max(0, room(id))));
      boolean last = end && at + length == bytes.length;
      frame(DATA, last ? END_STREAM : 0, id, Arrays.copyOfRange(bytes, at, at + length));
      window -= length;
      stream.window -= length;
      at += length;
    } while (at < bytes.length);
    return this;
  }

  RawH2Client grant(int id, int bytes) throws IOException {
    return frame(WINDOW_UPDATE, 0, id, ByteBuffer.allocate(4).putInt(bytes).array());
  }

  /** Gives up a request. */
  public RawH2Client cancel(int id) throws IOException {
    return frame(RST_STREAM, 0, id, new byte[] {0, 0, 0, 8});
  }

  // ------------------------------------------------------------------------------------ in

  /** Reads one frame and takes note of it; returns its type. */
  int read() throws IOException {
    int first = in.readInt();
    int length = first >>> 8;
    int type = first & 0xff;
    int flags = in.readUnsignedByte();
    int id = in.readInt() & 0x7fff_ffff;
    byte[] payload = new byte[length];
    in.readFully(payload);
    ByteBuffer content = ByteBuffer.wrap(payload);
    Stream stream = streams.get(id);
    switch (type) {
      case DATA -> {
        if (stream != null) {
          stream.body.writeBytes(payload);
          stream.ended |= (flags & END_STREAM) != 0;
        }
        if (granting && length > 0) {
          grant(0, length);
          if (stream != null && !stream.ended) {
            grant(id, length);
          }
        }
      }
      case HEADERS, CONTINUATION -> {
        block.writeBytes(payload);
        if (type == HEADERS && stream != null) {
          stream.ended |= (flags & END_STREAM) != 0;
        }
        if ((flags & END_HEADERS) != 0) {
          decoded(id, stream);
        }
      }
      case RST_STREAM -> {
        if (stream != null) {
          stream.reset = content.getInt();
        }
      }
      case SETTINGS -> {
        if ((flags & ACK) == 0) {
          settings(content);
          frame(SETTINGS, ACK, 0, new byte[0]);
        }
      }
      case GOAWAY -> goAway = content.getInt(4);
      case WINDOW_UPDATE -> {
        if (id == 0) {
          window += content.getInt();
        } else if (stream != null) {
          stream.window += content.getInt();
        }
      }
      default -> {
        // Answers to pings, and what servers may send without being asked.
      }
    }
    return type;
  }

  private void decoded(int id, Stream stream) throws IOException {
    Http2Headers headers;
    try {
      headers = decoder.decodeHeaders(id, Unpooled.wrappedBuffer(block.toByteArray()));
    } catch (Http2Exception e) {
      throw new IOException(e);
    }
    block.reset();
    if (stream == null) {
      return;
    }
    var lines = new ArrayList<String>();
    for (Map.Entry<CharSequence, CharSequence> field : headers) {
      byte[] raw = field.getValue().toString().getBytes(StandardCharsets.ISO_8859_1);
      lines.add(field.getKey() + ": " + new String(raw, StandardCharsets.UTF_8));
    }
    if (lines.getFirst().startsWith(":status: 1")) {
      stream.informational.addAll(lines);
    } else if (!stream.answered) {
      stream.answered = true;
      stream.headers = lines;
    }
  }

  private void settings(ByteBuffer content) {
    while (content.hasRemaining()) {
      int name = content.getShort();
      int value = content.getInt();
      switch (name) {
        case 3 -> maxStreams = value;
        case 4 -> {
          int difference = value - streamWindow;
          streams.values().forEach(stream -> stream.window += difference);
          streamWindow = value;
        }
        default -> {
          // Of no interest to these tests.
        }
      }
    }
  }

  /** Reads until the settings of the server are known. */
  int maxStreams() throws IOException {
    while (maxStreams == Integer.MAX_VALUE) {
      read();
    }
    return maxStreams;
  }

  /** Waits for {@code 100 Continue}. */
  List<String> informational(int id) throws IOException {
    while (stream(id).informational.isEmpty()) {
      read();
    }
    return stream(id).informational;
  }

  /** Waits for the head of a response: status line as in HTTP/1, then the fields. */
  RawClient.Answer head(int id) throws IOException {
    Stream stream = stream(id);
    while (!stream.answered) {
      check(id, stream);
      read();
    }
    return answer(stream);
  }

  /** Waits for a whole response. */
  public RawClient.Answer receive(int id) throws IOException {
    Stream stream = stream(id);
    while (!stream.ended) {
      check(id, stream);
      read();
    }
    return answer(stream);
  }

  private void check(int id, Stream stream) throws IOException {
    if (stream.reset >= 0) {
      throw new IOException("stream " + id + " was reset: " + stream.reset);
    }
    if (goAway > 0) {
      throw new IOException("the server went away: " + goAway);
    }
  }

  private static RawClient.Answer answer(Stream stream) {
    String status = stream.headers.getFirst().substring(":status: ".length());
    return new RawClient.Answer(
        "HTTP/2.0 " + status,
        stream.headers.subList(1, stream.headers.size()),
        stream.body.toByteArray());
  }

  /** Waits until the server resets a stream; returns the code. */
  int awaitReset(int id) throws IOException {
    while (stream(id).reset < 0) {
      read();
    }
    return stream(id).reset;
  }

  /** Bytes of a response so far. */
  int received(int id) {
    return stream(id).body.size();
  }

  /** Reads to the end of the connection. */
  boolean isClosedByServer() throws IOException {
    try {
      while (true) {
        read();
      }
    } catch (java.io.EOFException | SocketException end) {
      return true;
    } catch (java.net.SocketTimeoutException silent) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
