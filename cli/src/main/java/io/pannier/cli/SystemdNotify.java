package io.pannier.cli;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the service manager how far the server is, so that what is ordered behind it starts when it
 * answers and not when its process exists. The protocol is that of {@code sd_notify(3)}: one
 * datagram of text to the Unix socket in {@code NOTIFY_SOCKET}, for which the JDK has no door.
 * Nothing is loaded and nothing happens where that variable is not set. A failure is logged and
 * harms nothing here; the manager gives up on a service that says nothing.
 */
@SuppressWarnings("restricted") // linking by name; signatures are those of the manual pages
final class SystemdNotify {
  private static final Logger LOG = LoggerFactory.getLogger("pannier");
  private static final String VARIABLE = "NOTIFY_SOCKET";

  // Numbers of Linux, the only system with this protocol.
  private static final short AF_UNIX = 1;
  private static final int DATAGRAM_CLOSE_ON_EXEC = 2 | 0x8_0000;
  private static final int NO_SIGPIPE = 0x4000;

  /** Bytes of {@code sun_path}; behind the family of two bytes. */
  private static final int PATH_MAX = 108;

  private SystemdNotify() {}

  /** The server answers. */
  static void ready(Map<String, String> variables) {
    send(variables, "READY=1\nSTATUS=Serving");
  }

  /** The server lets requests end and puts everything on the device. */
  static void stopping(Map<String, String> variables) {
    send(variables, "STOPPING=1\nSTATUS=Stopping");
  }

  private static void send(Map<String, String> variables, String state) {
    String socket = variables.getOrDefault(VARIABLE, "");
    if (socket.isEmpty()) {
      return;
    }
    try {
      Calls.send(socket, state);
    } catch (Throwable failed) { // Method handles declare it; whatever it is, the server goes on.
      LOG.warn("The service manager could not be told at {}", socket, failed);
    }
  }

  /** Linked with the first message only. */
  private static final class Calls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    private static final MethodHandle SOCKET =
        link("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT), CAPTURE);
    private static final MethodHandle SENDTO =
        link(
            "sendto",
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT),
            CAPTURE);
    private static final MethodHandle CLOSE =
        link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private Calls() {}

    static void send(String socket, String state) throws Throwable {
      byte[] path = socket.getBytes(StandardCharsets.UTF_8);
      if (path.length >= PATH_MAX || (path[0] != '/' && path[0] != '@')) {
        throw new IOException(VARIABLE + " is no address of a Unix socket");
      }
      try (var arena = Arena.ofConfined()) {
        MemorySegment errno = arena.allocate(STATE);
        MemorySegment address = arena.allocate(2 + PATH_MAX, 2);
        address.set(JAVA_SHORT, 0, AF_UNIX);
        MemorySegment.copy(path, 0, address, JAVA_BYTE, 2, path.length);
        if (path[0] == '@') {
          address.set(JAVA_BYTE, 2, (byte) 0); // a name outside the file system
        }
        MemorySegment text = arena.allocateFrom(state);
        int descriptor = (int) SOCKET.invokeExact(errno, (int) AF_UNIX, DATAGRAM_CLOSE_ON_EXEC, 0);
        if (descriptor < 0) {
          throw new IOException("socket: error " + (int) ERRNO.get(errno, 0L));
        }
        try {
          long sent =
              (long)
                  SENDTO.invokeExact(
                      errno,
                      descriptor,
                      text,
                      text.byteSize() - 1,
                      NO_SIGPIPE,
                      address,
                      2 + path.length);
          if (sent < 0) {
            throw new IOException("sendto: error " + (int) ERRNO.get(errno, 0L));
          }
        } finally {
          int ignored = (int) CLOSE.invokeExact(descriptor);
        }
      }
    }

    private static MethodHandle link(
        String name, FunctionDescriptor signature, Linker.Option... options) {
      return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), signature, options);
    }
  }
}
