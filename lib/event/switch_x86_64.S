/*
 * context_switch_sp(save = rdi, load = rsi): the registers that a callee keeps (System V ABI 3.2.1) go onto the stack,
 * the stack pointer to *save; those of the other stack come back. The floating-point control words are not switched: no
 * code of ours changes them. The jump takes its address off the stack, since a `ret` would always be predicted wrong.
 * The object carries no CET note: a shadow stack could not follow the switch.
 */
#if defined(__x86_64__) && defined(__LP64__) && !defined(POSTERN_SWITCH_UCONTEXT)
	.text
	.globl	context_switch_sp
	.hidden	context_switch_sp
	.type	context_switch_sp, @function
	.balign	16
context_switch_sp:
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	.cfi_adjust_cfa_offset -8
	popq	%r14
	.cfi_adjust_cfa_offset -8
	popq	%r13
	.cfi_adjust_cfa_offset -8
	popq	%r12
	.cfi_adjust_cfa_offset -8
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_endproc
	.size	context_switch_sp, . - context_switch_sp
#endif
	.section .note.GNU-stack, "", @progbits
