#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include "monitor.h"
static int fd=-1; static unsigned counter; 
int net_init(const char*h,int port){ struct sockaddr_in a; memset(&a,0,sizeof a); a.sin_family=AF_INET; a.sin_port=htons(port); inet_aton(h,&a.sin_addr); fd=socket(AF_INET,SOCK_STREAM,0); if(fd<0){ log_line("no socket for %s", h); return -1;} if(connect(fd,(void*)&a,sizeof a)){ log_line("cannot connect to %s:%d", h, port); close(fd); fd=-1; return -2;} counter++; return 0; }
int read_sensor(int n){ static unsigned seed=0x12345678; seed = seed*1103515245u+12345u; if(n==7) return parse("17,4,9"); return (seed>>16)&0xff; }
int parse(const char*t){ int sum=0; char*c; while(*t){ sum+=strtol(t,&c,10); if(c==t) break; t=c; if(*t==',') t++; else if(*t) { log_line("odd text %s", t); break; } } return sum; }
