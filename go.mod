module example.com/sockets

go 1.26.3
