import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** A server that speaks MongoDB's protocol: in memory, or with a file that H2 keeps on disk. */
class Wire {
    public static void main(String[] arguments) throws Exception {
        var backend = arguments.length > 1 ? new H2Backend(arguments[1]) : new MemoryBackend();
        var server = new MongoServer(backend);
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        System.out.println(server.getLocalAddress().getPort());
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        while (System.in.read() >= 0) {} // whoever started it is gone at the end of input
        System.exit(0);
    }
}
