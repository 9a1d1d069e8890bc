// Command wire is a server of MongoDB's protocol that tests talk to; nothing of it is shipped.
//
//	wire DIRECTORY: what it is told is kept there; it says its port and ends with its input.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/url"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	context, cancel := context.WithCancel(context.Background())
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.NewTextHandler(io.Discard, nil)),
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[1] + "/", // in memory it has one connection, and waits for itself in every update
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		address, _ := url.Parse(server.MongoDBURI())
		fmt.Println(address.Port())
		io.Copy(io.Discard, os.Stdin) // whoever started it is gone at the end of input
		cancel()
	}()
	server.Run(context)
}
