struct sample { int value; double gain; const char *name; };
extern int level; extern char host[64];
int net_init(const char*h,int port); int read_sensor(int); void alarm_raise(struct sample*,int); void ui_loop(struct sample*); int log_close(void); void log_line(const char*fmt,...); int parse(const char*); const char* kind_name(int);
